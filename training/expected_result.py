"""What an experiment should reach, how that was judged, and who says so."""

from typing import Annotated, Literal

from pydantic import Field

from training.frozen_model import Count, FrozenModel, Positive

Percent = Annotated[float, Field(ge=0, le=100)]


class ExpectedProtocol(FrozenModel):
    """How the numbers were judged, in the words of an evaluation's own protocol block.

    Attributes:
        gallery_includes_query: Whether queries are searched too; they never match themselves.
        average_precision: `standard`, or the trapezoid of the official MARS evaluation.
        frames: Every frame of a tracklet (`dense`), or as many as a clip has (`fast`).
        splits: Over how many divisions of the data set the numbers are means.
        validation_identities: How many held-out training identities asked about themselves, instead
            of the split's queries.
    """

    gallery_includes_query: bool
    average_precision: Literal["standard", "mars"] = "standard"
    frames: Literal["dense", "fast"] = "dense"
    splits: Count = 1
    validation_identities: Count | None = None


class ExpectedResult(FrozenModel):
    """What this experiment should reach, and who says so; percent.

    Attributes:
        rows: Where it is printed: `Table V: + CCA`.
        mean_average_precision: None where it is not printed.
        rank_1: None where it is not printed, or only as a bar.
        rank_5: The same.
        tolerance: Within how many points a run has reproduced it.
        protocol: How it was judged.
        hardware: What it was computed on, as far as it is told.
        seeds: Of the runs that are averaged; empty where they are not told.
        measured_here: Whether this project measured it; otherwise it is the paper's word.
    """

    rows: Annotated[tuple[str, ...], Field(min_length=1)]
    mean_average_precision: Percent | None = None
    rank_1: Percent | None = None
    rank_5: Percent | None = None
    tolerance: Positive = 0.5
    protocol: ExpectedProtocol
    hardware: str = "not told"
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = ()
    measured_here: bool = False
