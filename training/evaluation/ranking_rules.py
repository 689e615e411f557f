"""What a ranking leaves out, and how it is scored (spec §1.11)."""

from typing import Literal

from pydantic import Field

from training.frozen_model import FrozenModel

JUNK = -1
DISTRACTOR = 0


class RankingRules(FrozenModel):
    """The protocol of one evaluation.

    Attributes:
        same_camera: Whether tracklets of the query's identity from its own camera are ranked. An
            unknown camera is nobody's own.
        exclude_same_outfit: Leave out tracklets of the query's identity in its own outfit as well,
            as the clothes-changing protocols do. An unknown outfit is nobody's own.
        average_precision: `standard` is the mean of the precisions at the right matches; `mars` is
            the trapezoid of the official MARS evaluation.
        chunk_queries: Queries ranked at a time; memory grows with it, results do not depend on it.
    """

    same_camera: Literal["exclude", "keep"] = "exclude"
    exclude_same_outfit: bool = False
    average_precision: Literal["standard", "mars"] = "standard"
    chunk_queries: int = Field(default=128, ge=1)
