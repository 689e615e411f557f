"""The training configuration: read once from YAML, validated, frozen, passed down in pieces."""

import difflib
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.dcct import DCCTConfig

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


class LossConfig(_Frozen):
    """Weights of the loss terms (spec §1.6)."""

    identity_weight: Annotated[float, Field(ge=0)] = 1.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    triplet_weight: Annotated[float, Field(ge=0)] = 1.0
    triplet_margin: Annotated[float, Field(ge=0)] = 0.3


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


class TrainingConfig(_Frozen):
    """One experiment, whole; every key is consumed."""

    run_dir: Path
    seed: Annotated[int, Field(ge=0)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"
    initial_weights: Path | None = None
    checkpoint_every_steps: Count = 200
    threads: Annotated[int, Field(ge=0)] = 0
    model: DCCTConfig = DCCTConfig()
    data: DataConfig
    clips: ClipConfig = ClipConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    losses: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()

    @model_validator(mode="after")
    def _pretrained_or_initial(self) -> Self:
        if self.model.pretrained and self.initial_weights is not None:
            raise ValueError(
                "expected either model.pretrained or initial_weights, received both; drop one"
            )
        return self


def load_config(path: Path) -> TrainingConfig:
    """Read a YAML configuration.

    Raises:
        ValueError: When the file is missing, is not YAML, has an unknown key (with the nearest
            known one), or a value out of range.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"expected a configuration at {path}, received {error.strerror}; "
            "shipped ones are in training/configs"
        ) from error
    except yaml.YAMLError as error:
        raise ValueError(f"expected YAML in {path}, received: {error}; correct the file") from error
    try:
        return TrainingConfig.model_validate(content)
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
    for part in location:
        annotation = section.model_fields[str(part)].annotation
        # A section, or a section that may be left out.
        candidates = get_args(annotation) or (annotation,)
        sections = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not sections:
            return []
        section = sections[0]
    return sorted(section.model_fields)


def override_paths(
    config: TrainingConfig, *, root: Path | None, run_dir: Path | None
) -> TrainingConfig:
    """The configuration with the paths that were given, everything else unchanged."""
    data = config.data if root is None else config.data.model_copy(update={"root": root})
    return config.model_copy(update={"data": data, "run_dir": run_dir or config.run_dir})
