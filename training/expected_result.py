"""What an experiment should reach, and who says so."""

from typing import Annotated

from pydantic import Field

from training.frozen_model import FrozenModel


class ExpectedResult(FrozenModel):
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
