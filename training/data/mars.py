"""MARS image folders read as tracklets (Zheng et al., ECCV 2016).

File names are `0003C1T0001F001.jpg`: identity, camera, tracklet, frame; junk is named `00-1…` and
distractors `0000…`.
"""

import re
from collections import defaultdict
from pathlib import Path

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout
from training.data.data_set_root import find_root
from training.data.layout_error import LayoutError, first_of
from training.data.tracklet import Tracklet

_ROOTS = ("mars", "MARS")
_NAME = re.compile(r"^(00-1|\d{4})C(\d)T(\d{4})F(\d{3,})\.jpg$")


def read_mars(root: Path) -> DataSet:
    """One folder of images to learn from."""
    if next(root.glob("*/*.jpg"), None) is None:
        root = find_root(root, title="MARS", holds=["bbox_train"], names=_ROOTS) / "bbox_train"
    return DataSet("mars", (Split("folder", train=tuple(read_mars_folder(root))),))


def read_mars_folder(folder: Path) -> list[Tracklet]:
    """Every tracklet under `bbox_train/<identity>/` or `bbox_test/<identity>/`, sorted by name.

    Raises:
        LayoutError: When the folder holds no frame, or a .jpg not named so.
    """
    grouped: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    foreign = []
    for path in sorted(folder.rglob("*.jpg")):
        match = _NAME.match(path.name)
        if match is None:
            foreign.append(path)
        else:
            grouped[path.name[: match.start(4) - 1]].append((int(match[4]), path))
    if foreign:
        raise LayoutError(
            f"names like 0003C1T0001F001.jpg in {folder}",
            first_of(foreign),
            "remove what is not of MARS or choose the right folder",
            paths=foreign,
        )
    if not grouped:
        raise LayoutError(
            f"MARS frames under {folder}",
            "none",
            "point at the folder that holds bbox_train, bbox_test and info, or at bbox_train alone",
            paths=[folder],
        )
    return [_tracklet(name, frames) for name, frames in sorted(grouped.items())]


def _tracklet(name: str, frames: list[tuple[int, Path]]) -> Tracklet:
    identity = -1 if name.startswith("00-1") else int(name[:4])
    return Tracklet(
        name=name,
        identity=identity,
        camera=int(name[5]),
        frames=tuple(path for _, path in sorted(frames)),
    )


MARS = DataSetLayout(
    title="MARS",
    read=read_mars,
    expected_tree="""\
mars/
├── bbox_train/
│   └── 0001/
│       └── 0001C1T0001F001.jpg
├── bbox_test/
│   ├── 00-1/                      junk
│   ├── 0000/                      distractors
│   └── 0002/
│       └── 0002C1T0001F001.jpg
└── info/
    ├── train_name.txt
    ├── test_name.txt
    ├── tracks_train_info.mat
    ├── tracks_test_info.mat
    └── query_IDX.mat
""",
    published={},
)
