"""What a step minimises: terms, weights and their parameters."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from training.frozen_model import FrozenModel, Positive


class DistillationConfig(FrozenModel):
    """Self-distillation from the clip to its frames (spec §1.6, eq. 13-17).

    Attributes:
        logistic_weight: Of LD; 0 leaves it out.
        feature_weight: Of FD; 0 leaves it out.
        temperature: Of LD, for teacher and students.
        hint: Projection of FD: a bottleneck as in the paper, or one linear layer.
        distance: Of FD: the norm of a frame's difference, or its mean square.
    """

    logistic_weight: Annotated[float, Field(ge=0)] = 0.1
    feature_weight: Annotated[float, Field(ge=0)] = 0.1
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


class LossConfig(FrozenModel):
    """Weights of the loss terms (spec §1.6).

    Attributes:
        unsupervised_parts: Parts that get no loss of their own.
        distillation: Self-distillation; none without it.
    """

    identity_weight: Annotated[float, Field(ge=0)] = 1.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    triplet_weight: Annotated[float, Field(ge=0)] = 1.0
    triplet_margin: Annotated[float, Field(ge=0)] = 0.3
    unsupervised_parts: tuple[str, ...] = ()
    distillation: DistillationConfig | None = None
