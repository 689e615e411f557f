"""iLIDS-VID (Wang et al., ECCV 2014): 300 people before two cameras, ten splits in halves.

`i-LIDS-VID/sequences/{cam1,cam2}/person001/cam1_person001_00317.png`, and `ls_set` [10, 300] in
`train-test people splits/train_test_splits_ilidsvid.mat`: places, counted from 1, in the sorted
list of people. Queries are camera 1's tracklets, the gallery camera 2's.
"""

import re
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.data.data_set import DataSet
from training.data.data_set_layout import DataSetLayout, PublishedCounts
from training.data.data_set_root import find_root
from training.data.layout_error import LayoutError
from training.data.mat_file import read_mat_integers
from training.data.two_views import TwoViews, read_two_views

_FRAME = re.compile(r"cam[12]_person\d+_(?P<order>\d+)\.\w+")
_IMAGES = "i-LIDS-VID/sequences"
_LIST = "train-test people splits/train_test_splits_ilidsvid.mat"
_ROOTS = ("ilids-vid", "iLIDS-VID", "i-LIDS-VID")
_SOURCE = "restore it from the archive of iLIDS-VID"


def read_ilids_vid(root: Path, *, test_half: Literal["first", "last"] = "first") -> DataSet:
    """The ten official splits.

    Args:
        root: Of the archive.
        test_half: Which half of each row of `ls_set` is tested on: the first as its authors
            define it, or the last as GRL's published code reads it.

    Raises:
        LayoutError: When images or the list of splits are missing, or disagree.
    """
    root = find_root(root, title="iLIDS-VID", holds=[_IMAGES], names=_ROOTS)
    cameras = (root / _IMAGES / "cam1", root / _IMAGES / "cam2")
    views = read_two_views(cameras, frame=_FRAME, example="cam1_person001_00317.png")
    splits = []
    for number, row in enumerate(_split_rows(root / _LIST, views), start=1):
        ordered = [views.people[place - 1] for place in row]
        first, last = ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]
        train, test = (last, first) if test_half == "first" else (first, last)
        splits.append(views.split(f"split-{number:02d}", train=train, test=test))
    name = "ilidsvid" if test_half == "first" else "ilidsvid-swapped"
    return DataSet(name, tuple(splits))


def _split_rows(path: Path, views: TwoViews) -> NDArray[np.int64]:
    """Places in the list of people, counted from 1, by split [splits, people]."""
    rows = read_mat_integers(path, "ls_set", source=_SOURCE)
    everybody = np.arange(1, len(views.people) + 1)
    if rows.shape[1] != len(everybody) or (np.sort(rows, axis=1) != everybody).any():
        raise LayoutError(
            f"each of the {len(everybody)} people with images once in every row of {path}",
            f"rows of {rows.shape[1]} numbers from {rows.min()} to {rows.max()}",
            "restore the missing people, or the list, from the archive of iLIDS-VID",
            paths=[path],
        )
    return rows


_TREE = """\
ilids-vid/
├── i-LIDS-VID/
│   └── sequences/
│       ├── cam1/
│       │   └── person001/
│       │       └── cam1_person001_00317.png
│       └── cam2/
└── train-test people splits/
    └── train_test_splits_ilidsvid.mat
"""
_PUBLISHED = {
    "train": PublishedCounts(identities=150, tracklets=300, cameras=2),
    "query": PublishedCounts(identities=150, tracklets=150, cameras=1),
    "gallery": PublishedCounts(identities=150, tracklets=150, cameras=1),
}
ILIDS_VID = DataSetLayout("iLIDS-VID", read_ilids_vid, _TREE, _PUBLISHED)
ILIDS_VID_SWAPPED = DataSetLayout(
    "iLIDS-VID, halves swapped as in GRL's code",
    partial(read_ilids_vid, test_half="last"),
    _TREE,
    _PUBLISHED,
)
