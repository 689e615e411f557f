"""Optimiser and schedule."""

from typing import Annotated, Literal

from pydantic import Field

from training.frozen_model import Count, FrozenModel, Positive


class OptimizerConfig(FrozenModel):
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
