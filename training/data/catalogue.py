"""Name → reader of every data set layout."""

from collections.abc import Callable
from pathlib import Path

from training.data.market1501 import read_market1501
from training.data.mars import read_mars_folder
from training.data.tracklet import Tracklet

READERS: dict[str, Callable[[Path], list[Tracklet]]] = {
    "market1501": read_market1501,
    "mars": read_mars_folder,
}


def read_tracklets(name: str, root: Path) -> list[Tracklet]:
    """Every tracklet of the data set `name` under `root`, sorted by name.

    Raises:
        ValueError: When the name is unknown, or the reader finds the layout broken.
    """
    if name not in READERS:
        raise ValueError(
            f"expected a data set of {sorted(READERS)}, received {name!r}; correct data.name"
        )
    return READERS[name](root)
