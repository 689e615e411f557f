"""Which tracklets a run learns from."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from training.data.catalogue import known_data_set
from training.frozen_model import Count, FrozenModel

DataSetName = Annotated[str, AfterValidator(known_data_set)]


class DrawnConfig(FrozenModel):
    """Made-up people to train on beside the data set, each seen once by every camera."""

    seed: Annotated[int, Field(ge=0)]
    identities: Annotated[int, Field(ge=1, le=9999)]
    cameras: Annotated[int, Field(ge=2, le=9)] = 4
    frames: Count = 4


class DataConfig(FrozenModel):
    """Which tracklets: of one split (the first unless named), to train on.

    The last `validation_identities` (sorted) are held out.
    """

    name: DataSetName
    root: Path
    split: str | None = None
    validation_identities: Annotated[int, Field(ge=0)] = 50
    drawn: DrawnConfig | None = None
