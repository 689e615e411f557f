"""The training configuration: read once from YAML, validated, frozen, passed down in pieces."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from model.dcct_config import DCCTConfig
from model.registry import MODELS, AnyModelConfig
from model.related.grl import GRLConfig
from training.data.clip_config import AugmentationConfig, ClipConfig
from training.data.data_config import DataConfig
from training.expected_result import ExpectedResult
from training.frozen_model import Count, FrozenModel
from training.layered_yaml import read_layered_yaml, with_changes
from training.losses.loss_config import LossConfig
from training.optim_config import FreezingConfig, OptimizerConfig


class TrainingConfig(FrozenModel):
    """One experiment, whole; every key is consumed.

    Attributes:
        run_dir: Where everything that the run makes is written.
        seed: Of weights, batches, clips, augmentation and stochastic depth.
        device: `auto` is the GPU where there is one.
        precision: What forward passes compute in; weights and the optimiser stay in float32.
        initial_weights: `weights.safetensors` of an earlier stage to start from.
        checkpoint_every_steps: How often the run is saved; it also is when it ends or is stopped.
        threads: Of a CPU; 0 leaves the number to torch.
        compile: Compile the network's forward pass; the first steps take minutes.
        sync_batch_norm: Batch statistics over all processes; GPUs only.
        tensorboard: Write event files beside the JSON lines.
        expected: What the experiment should reach; read by reports, not by training.
    """

    run_dir: Path
    seed: Annotated[int, Field(ge=0)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    initial_weights: Path | None = None
    checkpoint_every_steps: Count = 200
    threads: Annotated[int, Field(ge=0)] = 0
    compile: bool = False
    sync_batch_norm: bool = False
    tensorboard: bool = False
    model: AnyModelConfig = DCCTConfig()
    data: DataConfig
    expected: ExpectedResult | None = None
    clips: ClipConfig = ClipConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    losses: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    freezing: FreezingConfig | None = None

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
    def _compiled_draws_agree(self) -> Self:
        if self.compile and self.optimizer.accumulate > 1:
            raise ValueError(
                "expected compile or optimizer.accumulate, received both: compiled passes with and "
                "without gradients may draw other random numbers; leave one of them out"
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
        untaught = [name for name in self.model.branches if name in self.losses.unsupervised_parts]
        if self.losses.distillation.logistic_weight > 0 and untaught:
            raise ValueError(
                "expected every branch to be supervised, since logistic distillation teaches "
                f"its logits, received {untaught} in losses.unsupervised_parts; remove them there, "
                "or set losses.distillation.logistic_weight to 0"
            )
        return self

    @model_validator(mode="after")
    def _grl_objective_has_its_model(self) -> Self:
        if self.losses.grl is not None and not isinstance(self.model, GRLConfig):
            raise ValueError(
                f"expected model.kind grl for losses.grl, received {self.model.summary}; "
                "leave losses.grl out"
            )
        return self


def load_config(path: Path, changes: Sequence[str] = ()) -> TrainingConfig:
    """Read a YAML configuration, with what it `extends` below it and `key=value` changes on top.

    Raises:
        ValueError: When the file is missing, is not YAML, has an unknown key (with the nearest
            known one), or a value out of range.
    """
    try:
        content = with_changes(read_layered_yaml(path), changes)
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
        if isinstance(part, int):  # the place in a list of sections
            continue
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
