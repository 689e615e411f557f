"""Market-1501 read as tracklets (Zheng et al., ICCV 2015).

File names are `0002_c1s1_000451_03.jpg`: identity, camera, recording, frame, box; junk is named
`-1` and distractors `0000`. Boxes of one (identity, camera, recording) are about a second apart and
make one tracklet to learn from. Queries and gallery are single images: tracklets of one frame.
"""

import re
from collections import defaultdict
from pathlib import Path

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout
from training.data.data_set_root import find_root
from training.data.layout_error import LayoutError, first_of
from training.data.tracklet import Tracklet

_TRAIN, _QUERY, _GALLERY = "bounding_box_train", "query", "bounding_box_test"
_ROOTS = ("Market-1501-v15.09.15", "Market-1501", "market1501", "market1501/Market-1501-v15.09.15")
_NAME = re.compile(r"^(-1|\d{4})_c(\d)s(\d)_(\d{6})_(\d{2})\.jpg$")


def read_market1501(root: Path) -> DataSet:
    """The official split under a root, or one folder of images to learn from.

    Raises:
        LayoutError: When a folder is missing or empty, or an image is not named as expected.
    """
    if root.is_dir() and any(root.glob("*.jpg")):
        split = Split("folder", train=tuple(read_market1501_folder(root)))
        return DataSet("market1501", (split,))
    root = find_root(root, title="Market-1501", holds=[_TRAIN], names=_ROOTS)
    train = tuple(read_market1501_folder(root / _TRAIN))
    if not (root / _QUERY).exists() and not (root / _GALLERY).exists():
        return DataSet("market1501", (Split("folder", train=train),))
    split = Split(
        "official",
        train=train,
        query=_single_images(root / _QUERY),
        gallery=_single_images(root / _GALLERY),
    )
    return DataSet("market1501", (split,))


def read_market1501_folder(folder: Path) -> list[Tracklet]:
    """Every tracklet of one image folder (`bounding_box_train`, say), sorted by name.

    Raises:
        LayoutError: When the folder is missing or holds no image, or an image not named so.
    """
    grouped: dict[tuple[int, int, int], list[Path]] = defaultdict(list)
    for path, match in _named_images(folder):
        identity, camera, recording = (int(match[group]) for group in (1, 2, 3))
        grouped[identity, camera, recording].append(path)
    tracklets = [
        Tracklet(
            name=f"{identity:04d}_c{camera}s{recording}",
            identity=identity,
            camera=camera,
            # Names are read sorted, and their numbers zero-padded: they are in time order.
            frames=tuple(paths),
        )
        for (identity, camera, recording), paths in grouped.items()
    ]
    return sorted(tracklets, key=lambda tracklet: tracklet.name)


def _single_images(folder: Path) -> tuple[Tracklet, ...]:
    return tuple(
        Tracklet(path.stem, identity=int(match[1]), camera=int(match[2]), frames=(path,))
        for path, match in _named_images(folder)
    )


def _named_images(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    """Images sorted by name, each with what its name says; other files are passed over."""
    if not folder.is_dir():
        raise LayoutError(
            f"a folder of Market-1501 images at {folder}",
            "nothing",
            "restore it, or set the root to the folder that holds the .jpg files",
            paths=[folder],
        )
    images = sorted(path for path in folder.iterdir() if path.suffix == ".jpg")
    if not images:
        raise LayoutError(
            f".jpg images in {folder}",
            "none",
            "set the root to the folder that holds the .jpg files",
            paths=[folder],
        )
    matches = [(path, _NAME.match(path.name)) for path in images]
    foreign = [path for path, match in matches if match is None]
    if foreign:
        raise LayoutError(
            f"names like 0002_c1s1_000451_03.jpg in {folder}",
            first_of(foreign),
            "remove what is not of Market-1501 or choose the right folder",
            paths=foreign,
        )
    return [(path, match) for path, match in matches if match is not None]


MARKET1501 = DataSetLayout(
    title="Market-1501",
    read=read_market1501,
    expected_tree="""\
Market-1501-v15.09.15/
├── bounding_box_train/
│   └── 0002_c1s1_000451_03.jpg
├── bounding_box_test/
│   ├── -1_c1s1_000401_03.jpg  (junk)
│   ├── 0000_c1s1_000151_01.jpg  (distractor)
│   └── 0001_c1s1_001051_03.jpg
└── query/
    └── 0001_c1s1_001051_00.jpg
""",
    published={},
)
