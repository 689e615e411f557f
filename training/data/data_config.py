"""Which tracklets a run learns from."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from training.frozen_model import Count, FrozenModel


class DrawnConfig(FrozenModel):
    """Made-up people to train on beside the data set, each seen once by every camera."""

    seed: Annotated[int, Field(ge=0)]
    identities: Annotated[int, Field(ge=1, le=9999)]
    cameras: Annotated[int, Field(ge=2, le=9)] = 4
    frames: Count = 4


class DataConfig(FrozenModel):
    """Which tracklets: the last `validation_identities` (sorted) are held out."""

    name: Literal["market1501", "mars"]
    root: Path
    validation_identities: Annotated[int, Field(ge=0)] = 50
    drawn: DrawnConfig | None = None
