"""MARS (Zheng et al., ECCV 2016), read by its official lists, or from one folder of images.

File names are `0003C1T0001F001.jpg`: identity, camera, tracklet, frame; junk is named `00-1…` and
distractors `0000…`. Queries are among the gallery's tracklets, as in the official evaluation.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout, PublishedCounts
from training.data.data_set_root import find_root
from training.data.layout_error import LayoutError, first_of
from training.data.mars_frames import MARS_FRAME, identity_and_camera, listed_tracklets
from training.data.mars_lists import read_mars_lists
from training.data.tracklet import Tracklet

_ROOTS = ("mars", "MARS")
_INFO_BESIDE = ("info", "MARS-evaluation/info", "MARS-evaluation-master/info")


def read_mars(root: Path) -> DataSet:
    """The official split; of a folder of images alone (`bbox_train`, say), all to learn from.

    Raises:
        LayoutError: When a list is missing, disagrees with the images or is broken, or a folder
            has no frame or one not named as expected.
    """
    if next(root.glob("*/*C*T*F*.jpg"), None) is not None:
        return DataSet("mars", (Split("folder", train=tuple(read_mars_folder(root))),))
    root = find_root(root, title="MARS", holds=["bbox_train", "bbox_test"], names=_ROOTS)
    info = _find_info(root)
    if info is None and not (root / "bbox_test").exists():
        train = tuple(read_mars_folder(root / "bbox_train"))
        return DataSet("mars", (Split("folder", train=train),))
    return DataSet("mars", (_official_split(root, info or root / "info"),))


def read_mars_folder(folder: Path) -> list[Tracklet]:
    """Every tracklet under `bbox_train/<identity>/` or `bbox_test/<identity>/`, sorted by name.

    Raises:
        LayoutError: When the folder holds no frame, or a .jpg not named so.
    """
    grouped: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    foreign = []
    for path in sorted(folder.rglob("*.jpg")):
        match = MARS_FRAME.fullmatch(path.name)
        if match is None:
            foreign.append(path)
        else:
            grouped[match["tracklet"]].append((int(match["order"]), path))
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
    return [
        Tracklet(name, *identity_and_camera(name), tuple(path for _, path in sorted(frames)))
        for name, frames in sorted(grouped.items())
    ]


def _find_info(root: Path) -> Path | None:
    places = (folder / name for folder in (root, root.parent) for name in _INFO_BESIDE)
    return next((place for place in places if place.is_dir()), None)


def _official_split(root: Path, info: Path) -> Split:
    lists = read_mars_lists(info)
    train = listed_tracklets(lists.train, info / "train_name.txt", root / "bbox_train")
    test = listed_tracklets(lists.test, info / "test_name.txt", root / "bbox_test")
    return Split(
        "official",
        train=_sorted_by_name(train),
        query=_sorted_by_name([test[row] for row in lists.query_rows]),
        gallery=_sorted_by_name(test),
    )


def _sorted_by_name(tracklets: Sequence[Tracklet]) -> tuple[Tracklet, ...]:
    return tuple(sorted(tracklets, key=lambda tracklet: tracklet.name))


MARS = DataSetLayout(
    title="MARS",
    read=read_mars,
    expected_tree="""\
mars/
├── bbox_train/
│   └── 0001/
│       └── 0001C1T0001F001.jpg
├── bbox_test/
│   ├── 00-1/  (junk)
│   ├── 0000/  (distractors)
│   └── 0002/
│       └── 0002C1T0001F001.jpg
└── info/  (or beside mars/)
    ├── train_name.txt
    ├── test_name.txt
    ├── tracks_train_info.mat
    ├── tracks_test_info.mat
    └── query_IDX.mat
""",
    published={
        "train": PublishedCounts(
            identities=625,
            tracklets=8298,
            frames=509_914,
            cameras=6,
            junk=0,
            distractors=0,
            shortest=5,
            longest=900,
        ),
        "query": PublishedCounts(identities=626, tracklets=1980),
        "gallery": PublishedCounts(
            identities=634,
            tracklets=12_180,
            frames=681_089,
            cameras=6,
            junk=870,
            distractors=3248,
            shortest=2,
            longest=920,
        ),
    },
)
