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


class SourceConfig(FrozenModel):
    """One split of one data set of the catalogue; the first split unless one is named."""

    name: DataSetName
    root: Path
    split: str | None = None


class DataConfig(SourceConfig):
    """Which tracklets: of a data set whose last `validation_identities` (sorted) are held out.

    The training tracklets of the data sets in `also` are learned from beside them, whole.
    """

    validation_identities: Annotated[int, Field(ge=0)] = 50
    also: tuple[SourceConfig, ...] = ()
    drawn: DrawnConfig | None = None
