"""Which tracklet a figure is made of, and which of its frames."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.manifest import FrameChoice
from training.data.catalogue import read_data_set
from training.data.data_set import DataSet
from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet

_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".webp"}


def find_tracklet(
    folder: Path | None, *, data: str | None, root: Path | None, name: str | None
) -> Tracklet:
    """The tracklet in a folder of frames, or the one called `name` of a data set.

    Raises:
        ValueError: When neither or a mixture is given, or there is no such tracklet.
    """
    if folder is not None and data is None and root is None and name is None:
        return tracklet_of_folder(folder)
    if folder is None and data is not None and root is not None and name is not None:
        return tracklet_of_data_set(read_data_set(data, root), name)
    raise ValueError(
        "expected a folder of frames, or --data, --root and --tracklet together, received neither "
        "or a mixture; give one of both"
    )


def tracklet_of_folder(folder: Path) -> Tracklet:
    """The images of a folder, in the order of their names, as one tracklet of nobody known.

    Raises:
        ValueError: When the folder is missing or holds no image.
    """
    if not folder.is_dir():
        raise ValueError(f"expected a folder of frames, received {folder}; correct the path")
    frames = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not frames:
        raise ValueError(
            f"expected images ({', '.join(sorted(_SUFFIXES))}) in {folder}, received none; "
            "point at the folder that holds the frames themselves"
        )
    return Tracklet(folder.resolve().name, identity=-1, camera=None, frames=tuple(frames))


def tracklet_of_data_set(data_set: DataSet, name: str) -> Tracklet:
    """The tracklet `name` of any split.

    Raises:
        ValueError: When there is none of that name.
    """
    named = {
        tracklet.name: tracklet
        for split in data_set.splits
        for tracklet in (*split.train, *split.query, *split.gallery)
    }
    if name not in named:
        some = ", ".join(sorted(named)[:3])
        raise ValueError(
            f"expected one of {len(named)} tracklets of {data_set.name} ({some}, …), received "
            f"{name!r}; correct the name"
        )
    return named[name]


def read_shown_frames(tracklet: Tracklet, *, most: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """At most `most` evenly spaced frames, uint8 [t, h, w, 3].

    Raises:
        ValueError: When a frame is missing or is not a whole image.
    """
    chosen = FrameChoice(policy="evenly_spaced", most=most).indices(len(tracklet.frames))
    height, width = size
    return np.stack([read_frame(tracklet.frames[i], height=height, width=width) for i in chosen])
