"""LS-VID (Li et al., ICCV 2019).

`list_seq_train.txt` and `list_seq_test.txt` have a line per tracklet: the start of the paths of its
frames, and its identity; a frame's name ends in its camera and its number
(`…/0001_01_03_0007.jpg`: camera 3, frame 7). The variable `query` of `info_test.mat` has the lines
of the test list, counted from 1, that are queries. The lists lie where the release has them or, in
older copies, under `info/`. Queries are among the gallery's tracklets.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout, PublishedCounts
from training.data.data_set_root import find_root
from training.data.hdf5_file import read_hdf5_numbers
from training.data.layout_error import LayoutError, first_of
from training.data.list_file import (
    RESTORE,
    Line,
    from_one,
    read_list,
    refuse_lines,
)
from training.data.tracklet import Tracklet

_FRAME = re.compile(r"\d+_\d+_(?P<camera>\d+)_(?P<order>\d+)\.(jpg|png)")
_IDENTITY = re.compile("-1|[0-9]{1,9}")
_LISTS = ("list_sequence", "info/list_sequence")
_QUERIES = ("test/data/info_test.mat", "info/data/info_test.mat")
_PARTS = ("train", "test")


def read_lsvid(root: Path) -> DataSet:
    """The official split.

    Raises:
        LayoutError: When a list is missing or broken, names a tracklet without frames or whose
            frames are of two cameras, or a query that is none of its lines.
    """
    root = find_root(root, title="LS-VID", holds=list(_LISTS), names=["LS-VID", "LSVID", "lsvid"])
    lists = next(root / place for place in _LISTS if (root / place).exists())
    train_lines, test_lines = (_read_part(lists / f"list_seq_{part}.txt") for part in _PARTS)
    everybody = {int(line.fields[1]) for line in (*train_lines, *test_lines)}
    train, test = (_tracklets(root, lines, everybody) for lines in (train_lines, test_lines))
    rows = _query_rows(root, len(test))
    split = Split(
        "official",
        train=_sorted_by_name(train),
        query=_sorted_by_name([test[row] for row in rows]),
        gallery=_sorted_by_name(test),
    )
    return DataSet("lsvid", (split,))


def _read_part(path: Path) -> list[Line]:
    lines = read_list(path, fields="path identity")
    refuse_lines(
        path,
        [line for line in lines if not _is_legal(line)],
        "the start of a path below the data set and an identity from -1 in every line",
    )
    return lines


def _is_legal(line: Line) -> bool:
    path = PurePosixPath(line.fields[0])
    below = len(path.parts) > 1 and not path.is_absolute() and ".." not in path.parts
    return below and _IDENTITY.fullmatch(line.fields[1]) is not None


def _tracklets(root: Path, lines: Sequence[Line], everybody: Collection[int]) -> list[Tracklet]:
    """In the order of the list, which the numbers of the queries count."""
    listings: dict[Path, list[str]] = {}
    found = [_frames(root / line.fields[0], listings) for line in lines]
    empty = [root / line.fields[0] for line, frames in zip(lines, found, strict=True) if not frames]
    if empty:
        raise LayoutError(
            f"frames like 0001_01_03_0007.jpg for every line of the lists under {root}",
            f"none for {first_of(empty)}",
            "restore them from the archive",
            paths=empty,
        )
    mixed = [
        root / line.fields[0]
        for line, frames in zip(lines, found, strict=True)
        if len({camera for _, camera, _ in frames}) > 1
    ]
    if mixed:
        raise LayoutError(
            "frames of one camera in every tracklet",
            f"several in {first_of(mixed)}",
            RESTORE,
            paths=mixed,
        )
    return [
        Tracklet(
            name="_".join(PurePosixPath(line.fields[0].rstrip("_")).parts[1:]),
            identity=from_one(int(line.fields[1]), everybody),
            camera=frames[0][1],
            frames=tuple(path for _, _, path in frames),
        )
        for line, frames in zip(lines, found, strict=True)
    ]


def _frames(start: Path, listings: dict[Path, list[str]]) -> list[tuple[int, int, Path]]:
    """Number, camera and path of the frames whose name goes on after `start` with a `_`."""
    folder, prefix = start.parent, f"{start.name.rstrip('_')}_"
    if folder not in listings:
        listings[folder] = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    matches = [_FRAME.fullmatch(name) for name in listings[folder] if name.startswith(prefix)]
    return sorted(
        (int(match["order"]), int(match["camera"]), folder / match[0]) for match in matches if match
    )


def _query_rows(root: Path, rows: int) -> list[int]:
    path = next((root / place for place in _QUERIES if (root / place).exists()), root / _QUERIES[0])
    numbers = read_hdf5_numbers(path, "query").tolist()
    outside = [number for number in numbers if not 1 <= number <= rows]
    if outside or len(set(numbers)) < len(numbers):
        raise LayoutError(
            f"lines from 1 to {rows} of list_seq_test.txt, each once, in query of {path}",
            f"{outside[0]}" if outside else "repeats",
            RESTORE,
            paths=[path],
        )
    return [number - 1 for number in numbers]


def _sorted_by_name(tracklets: Sequence[Tracklet]) -> tuple[Tracklet, ...]:
    return tuple(sorted(tracklets, key=lambda tracklet: tracklet.name))


LSVID = DataSetLayout(
    title="LS-VID",
    read=read_lsvid,
    expected_tree="""\
LS-VID/
├── list_sequence/         or info/…
│   ├── list_seq_train.txt path, identity
│   └── list_seq_test.txt
├── test/
│   └── data/              or info/data/
│       └── info_test.mat  queries
├── tracklet_train/
│   └── 0001/              camera 3, frame 7:
│       └── 0001_01_03_0007.jpg
└── tracklet_test/
""",
    # As public readers of the release count; 7,829 of the gallery are no queries.
    published={
        "train": PublishedCounts(identities=842, tracklets=2831, cameras=15),
        "query": PublishedCounts(tracklets=3504),
        "gallery": PublishedCounts(tracklets=3504 + 7829, cameras=15),
    },
)
