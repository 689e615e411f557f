"""Optimiser and schedule, and what of the network does not learn."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from training.frozen_model import Count, Fraction, FrozenModel, Positive


class OptimizerConfig(FrozenModel):
    """Optimiser and schedule (spec §1.7); new layers learn at `new_layer_factor` × the rate.

    Attributes:
        warmup_start: Part of the rate that warm-up starts from.
        accumulate: A batch is embedded in so many pieces, each with its own batch statistics, and
            the loss sees them together: memory for one piece, a second forward pass for time.
        layer_decay: Rate of each layer of a backbone over that of the next; none for one rate.
        average_decay: Of the moving average of the weights, which is then what is exported.
    """

    name: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: Positive = 1e-3
    new_layer_factor: Positive = 2.0
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    epochs: Count = 50
    steps_per_epoch: Count | None = None
    schedule: Literal["step", "cosine"] = "step"
    step_epochs: Count = 15
    step_factor: Positive = 0.1
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    warmup_start: Fraction = 0.0
    gradient_clip: Positive | None = None
    accumulate: Count = 1
    layer_decay: Annotated[float, Field(gt=0, le=1)] | None = None
    average_decay: Annotated[float, Field(gt=0, lt=1)] | None = None


class FreezingConfig(FrozenModel):
    """What does not learn.

    Attributes:
        modules: Dotted names of the network's modules that are frozen.
        epochs: For so many from the start; none for the whole run.
        batch_norm: Batch normalisations of the network use their running statistics throughout;
            their weights still learn.
    """

    modules: tuple[str, ...] = ()
    epochs: Count | None = None
    batch_norm: bool = False

    @model_validator(mode="after")
    def _epochs_of_something(self) -> Self:
        if self.epochs is not None and not self.modules:
            raise ValueError(
                f"expected freezing.modules beside freezing.epochs, received {self.epochs} epochs "
                "of none; name the modules, or leave epochs out"
            )
        return self
