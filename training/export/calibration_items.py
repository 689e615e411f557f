"""Real frames or clips that tell a quantizer the ranges of activations."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.manifest import Preprocessing
from training.data.catalogue import read_data_set
from training.data.frame_reading import read_frame
from training.data.frame_sampling import first_of_chunks
from training.data.tracklet import Tracklet

MOST_ITEMS = 64
IMAGES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})

Items = NDArray[np.uint8]


def read_items(source: Path, preprocessing: Preprocessing, *, most: int = MOST_ITEMS) -> Items:
    """Items of a folder of images, each folder in it one tracklet, or of a manifest (`.csv`).

    Raises:
        ValueError: When there is nothing at `source`, or a frame cannot be read, with its path.
    """
    tracklets = _in_folders(source) if source.is_dir() else _in_manifest(source)
    return items_of(tracklets, preprocessing, most=most)


def items_of(
    tracklets: Sequence[Tracklet], preprocessing: Preprocessing, *, most: int = MOST_ITEMS
) -> Items:
    """At most so many items, evenly spread: uint8 frames [n, h, w, 3] or clips [n, t, h, w, 3]."""
    clip = preprocessing.frames_per_clip
    every: list[tuple[Path, ...]]
    if clip is None:
        every = [(frame,) for tracklet in tracklets for frame in tracklet.frames]
    else:
        every = [
            tuple(tracklet.frames[place] for place in first_of_chunks(len(tracklet.frames), clip))
            for tracklet in tracklets
        ]
    taken = [every[i * len(every) // most] for i in range(most)] if len(every) > most else every
    size = (preprocessing.height, preprocessing.width)
    pixels = [[read_frame(path, height=size[0], width=size[1]) for path in item] for item in taken]
    items = np.array(pixels, dtype=np.uint8).reshape(len(taken), clip or 1, *size, 3)
    return items[:, 0] if clip is None else items


def _in_folders(root: Path) -> list[Tracklet]:
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in IMAGES)
    if not paths:
        raise ValueError(
            f"expected images ({', '.join(sorted(IMAGES))}) for calibration under {root}, "
            "received none; name a folder with real tracklets"
        )
    return [
        Tracklet(str(folder.relative_to(root)), identity=-1, camera=None, frames=tuple(frames))
        for folder, frames in groupby(paths, key=lambda path: path.parent)
    ]


def _in_manifest(path: Path) -> list[Tracklet]:
    if not path.is_file():
        raise ValueError(
            f"expected a folder of images or a manifest for calibration at {path}, "
            "received nothing; name one with real tracklets"
        )
    first = read_data_set("manifest", path).splits[0]
    return list(first.train or first.gallery)
