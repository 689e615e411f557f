"""The training configuration: read once from YAML, validated, frozen, passed down in pieces."""

import difflib
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.dcct_config import DCCTConfig
from model.registry import MODELS, AnyModelConfig
from training.layered_yaml import read_layered_yaml

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DrawnConfig(_Frozen):
    """Made-up people to train on beside the data set, each seen once by every camera."""

    seed: Annotated[int, Field(ge=0)]
    identities: Annotated[int, Field(ge=1, le=9999)]
    cameras: Annotated[int, Field(ge=2, le=9)] = 4
    frames: Count = 4


class DataConfig(_Frozen):
    """Which tracklets: the last `validation_identities` (sorted) are held out."""

    name: Literal["market1501", "mars"]
    root: Path
    validation_identities: Annotated[int, Field(ge=0)] = 50
    drawn: DrawnConfig | None = None


class ClipConfig(_Frozen):
    """Clips and batches: `identities` × `tracklets` clips of `frames` frames a step."""

    frames: Count = 8
    identities: Annotated[int, Field(ge=2)] = 8
    tracklets: Annotated[int, Field(ge=2)] = 2
    workers: Annotated[int, Field(ge=0)] = 0


class AugmentationConfig(_Frozen):
    """Clip-consistent augmentation (spec §1.8)."""

    flip: Fraction = 0.5
    pad_px: Annotated[int, Field(ge=0)] = 10
    erasing: Fraction = 0.5


class DistillationConfig(_Frozen):
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


class LossConfig(_Frozen):
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


class OptimizerConfig(_Frozen):
    """Optimiser and schedule (spec §1.7); new layers learn at `new_layer_factor` × the rate."""

    name: Literal["sgd", "adamw"] = "sgd"
    learning_rate: Positive = 1e-3
    new_layer_factor: Positive = 2.0
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    epochs: Count = 50
    steps_per_epoch: Count | None = None
    schedule: Literal["step", "cosine"] = "step"
    step_epochs: Count = 15
    step_factor: Positive = 0.1
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    gradient_clip: Positive | None = None


class ExpectedResult(_Frozen):
    """What this experiment should reach, and who says so; percent.

    Attributes:
        rows: Where it is printed: `Table V: + CCA`.
        mean_average_precision: None where only a plot shows it.
        rank_1: None where only a plot shows it.
        measured_here: Whether this project measured it; otherwise it is the paper's word.
    """

    rows: Annotated[tuple[str, ...], Field(min_length=1)]
    mean_average_precision: Annotated[float, Field(ge=0, le=100)] | None = None
    rank_1: Annotated[float, Field(ge=0, le=100)] | None = None
    measured_here: bool = False


class TrainingConfig(_Frozen):
    """One experiment, whole; every key is consumed."""

    run_dir: Path
    seed: Annotated[int, Field(ge=0)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"
    initial_weights: Path | None = None
    checkpoint_every_steps: Count = 200
    threads: Annotated[int, Field(ge=0)] = 0
    model: AnyModelConfig = DCCTConfig()
    data: DataConfig
    expected: ExpectedResult | None = None
    clips: ClipConfig = ClipConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    losses: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()

    @model_validator(mode="after")
    def _pretrained_or_initial(self) -> Self:
        own = self.model.pretrained or bool(self.model.initial_weight_files())
        if own and self.initial_weights is not None:
            raise ValueError(
                "expected initial_weights, or pretrained or local weights of the backbones, "
                "received both; drop one"
            )
        return self

    @model_validator(mode="after")
    def _distillation_has_a_teacher(self) -> Self:
        if self.losses.distillation is None:
            return self
        if not (isinstance(self.model, DCCTConfig) and self.model.has_final):
            raise ValueError(
                "expected a DCCT with temporal hta or lstm for self-distillation, whose final "
                f"feature teaches the frames, received {self.model.summary}; "
                "leave losses.distillation out"
            )
        if "final" in self.losses.unsupervised_parts:
            raise ValueError(
                "expected the final part to be supervised, since it is the teacher of "
                "self-distillation, received it in losses.unsupervised_parts; remove it there"
            )
        return self


def load_config(path: Path) -> TrainingConfig:
    """Read a YAML configuration, with what it `extends` below it.

    Raises:
        ValueError: When the file is missing, is not YAML, has an unknown key (with the nearest
            known one), or a value out of range.
    """
    try:
        return TrainingConfig.model_validate(read_layered_yaml(path))
    except ValidationError as error:
        problems = "\n".join(f"  {line}" for line in _problems(error))
        raise ValueError(
            f"expected a training configuration in {path}, received:\n{problems}"
        ) from error


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key{_suggestion(problem['loc'])}")
        elif problem["type"] in {"union_tag_not_found", "union_tag_invalid"}:
            kind = problem["ctx"].get("tag", "none")
            lines.append(f"{key}.kind: expected one of {sorted(MODELS)}, received {kind}")
        elif problem["type"] == "value_error":
            lines.append(str(problem["ctx"]["error"]))
        else:
            lines.append(f"{key}: {problem['msg']}, received {problem['input']!r}")
    return lines


def _suggestion(location: tuple[int | str, ...]) -> str:
    known = _keys_at(location[:-1])
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known keys are {known}"


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    section: type[BaseModel] = TrainingConfig
    kinds: dict[str, type[BaseModel]] = {}
    for part in location:
        if kinds:  # the name of the kind that was chosen
            section, kinds = kinds[str(part)], {}
            continue
        annotation = section.model_fields[str(part)].annotation
        # A section, one that may be left out, or one of several kinds of a model.
        candidates = get_args(annotation) or (annotation,)
        sections = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not sections:
            return []
        section = sections[0]
        if len(sections) > 1:
            kinds = {str(kind.model_fields["kind"].default): kind for kind in sections}
    return sorted(section.model_fields)


def override_paths(
    config: TrainingConfig, *, root: Path | None, run_dir: Path | None
) -> TrainingConfig:
    """The configuration with the paths that were given, everything else unchanged."""
    data = config.data if root is None else config.data.model_copy(update={"root": root})
    return config.model_copy(update={"data": data, "run_dir": run_dir or config.run_dir})
