"""What a step minimises: terms, weights and their parameters."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from training.frozen_model import Fraction, FrozenModel, NotNegative, Positive

TripletDistance = Literal["cosine", "euclidean"]
TripletMargin = NotNegative | Literal["soft"]


class TripletConfig(FrozenModel):
    """The batch-hard triplet loss (spec §1.6); NVAN's is soft, Euclidean, before the neck (§3.3).

    Attributes:
        margin: In units of the distance, or `soft` for log(1 + exp(positive − negative)).
        distance: `cosine`, −cosine of two rows, or `euclidean`.
        before_neck: Of features before the BN-neck, in place of those after it.
    """

    weight: Positive = 1.0
    margin: TripletMargin = 0.3
    distance: TripletDistance = "cosine"
    before_neck: bool = False


class CircleConfig(FrozenModel):
    """The circle loss, of features after the BN-neck; its paper's margin and scale for re-ID."""

    weight: Positive = 1.0
    margin: Fraction = 0.25
    scale: Positive = 128.0


class CentreConfig(FrozenModel):
    """The centre loss, of features before the BN-neck.

    Attributes:
        rate: How far a centre moves towards the rows of its identity at every step.
    """

    weight: Positive = 5e-4
    rate: Annotated[float, Field(gt=0, le=1)] = 0.5


class DistillationConfig(FrozenModel):
    """Self-distillation from the clip to its frames (spec §1.6, eq. 13-17).

    The authors' code has weights 1, temperature 0.3 and a linear hint; its feature distillation is
    the norm of the whole batch, which grows with the batch, and is not offered.

    Attributes:
        logistic_weight: Of LD; 0 leaves it out.
        feature_weight: Of FD; 0 leaves it out.
        temperature: Of LD, for teacher and students.
        hint: Projection of FD: a bottleneck as in the paper, or one linear layer.
        distance: Of FD: the norm of a frame's difference, or its mean square.
    """

    logistic_weight: NotNegative = 0.1
    feature_weight: NotNegative = 0.1
    temperature: Positive = 1.0
    hint: Literal["bottleneck", "linear"] = "bottleneck"
    distance: Literal["norm", "mse"] = "norm"

    @model_validator(mode="after")
    def _something_is_distilled(self) -> Self:
        if self.logistic_weight == 0 and self.feature_weight == 0:
            raise ValueError(
                "expected a positive logistic_weight or feature_weight, received 0 for both; "
                "leave losses.distillation out for no distillation"
            )
        return self


class TeacherConfig(FrozenModel):
    """Another model's embeddings of the training frames, as `reid-train teach` wrote them.

    Attributes:
        embeddings: The file.
        graph_sha256: Of the teacher whose embeddings it must hold, as the command printed it.
        regression_weight: Of 1 − cosine of a frame's projected embedding with the teacher's.
        similarity_weight: Of the mean squared difference of all similarities of a batch.
        parts: Which parts learn it, coupled; those of the embedding unless named.
    """

    embeddings: Path
    graph_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    regression_weight: NotNegative = 1.0
    similarity_weight: NotNegative = 1.0
    parts: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _something_is_taught(self) -> Self:
        if self.regression_weight == 0 and self.similarity_weight == 0:
            raise ValueError(
                "expected a positive regression_weight or similarity_weight, received 0 for both; "
                "leave losses.teacher out for no teacher"
            )
        return self


class GrlLossConfig(FrozenModel):
    """GRL's own objective (spec §2.3): OIM, pair verification and a soft triplet.

    Attributes:
        identity_weight: Of each OIM: of frames, of the pooled feature and of the low one.
        verification_weight: Of the pairs' binary cross-entropy.
        triplet_weight: Of the soft Euclidean triplet on the pooled feature.
        momentum: How much of a table's row stays when a new feature comes.
        scale: Of the logits of OIM.
    """

    identity_weight: Positive = 1.0
    verification_weight: Positive = 20.0
    triplet_weight: Positive = 1.0
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.5
    scale: Positive = 30.0


class LossConfig(FrozenModel):
    """Weights of the loss terms (spec §1.6); an optional term is left out by `null`.

    Attributes:
        unsupervised_parts: Parts that get no loss of their own.
        distillation: Self-distillation; none without it.
        teacher: Another model to learn from; none without it.
        grl: GRL's objective in place of all others.
    """

    identity_weight: NotNegative = 1.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    triplet: TripletConfig | None = TripletConfig()
    circle: CircleConfig | None = None
    centre: CentreConfig | None = None
    unsupervised_parts: tuple[str, ...] = ()
    distillation: DistillationConfig | None = None
    teacher: TeacherConfig | None = None
    grl: GrlLossConfig | None = None

    @model_validator(mode="after")
    def _grl_is_alone(self) -> Self:
        fields = type(self).model_fields
        others = [name for name, value in self if name != "grl" and value != fields[name].default]
        if self.grl is not None and others:
            raise ValueError(
                f"expected losses.grl alone, since it brings all its terms, received {others} "
                "too; they would be ignored: remove them, or losses.grl"
            )
        return self
