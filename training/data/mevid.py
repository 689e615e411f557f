"""MEVID (Davila et al., WACV 2023): people in several outfits before many cameras.

`train_name.txt` and `test_name.txt` have a frame per line, `0201O003C330T004F00192.jpg`: identity,
outfit, camera, tracklet, frame. `track_train_info.txt` and `track_test_info.txt` have a tracklet
per line: first and last frame (lines of the list of names, counted from 0, both included),
identity, outfit, camera. `query_IDX.txt` has the lines of the test list, counted from 0, that are
queries; the others are the gallery.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout, PublishedCounts
from training.data.data_set_root import find_root
from training.data.layout_error import LayoutError, first_of
from training.data.list_file import Line, from_one, read_list, refuse_lines, whole_number
from training.data.tracklet import Tracklet

_FRAME = re.compile(
    r"(?P<tracklet>(?P<identity>\d{4})O\d{3}C(?P<camera>\d+)T\d+)F(?P<order>\d+)\.jpg"
)
_LISTS = (".", "mevid-v1-annotation-data", "annotation/mevid-v1-annotation-data")
_COLUMNS = "first last identity outfit camera"


@dataclass(frozen=True, slots=True)
class _Row:
    line: Line
    first: int
    last: int
    identity: int
    outfit: int
    camera: int


def read_mevid(root: Path) -> DataSet:
    """Both protocols: everything counts, or only what a person wears other clothes in.

    A line of a list of tracklets whose last frame is before its first has no frames and is passed
    over, as the authors' own reader does; a query must have some.

    Raises:
        LayoutError: When a list is missing or broken, two lists disagree, or a frame is missing.
    """
    root = find_root(root, title="MEVID", holds=["bbox_train"], names=["mevid", "MEVID"])
    lists = next((root / at for at in _LISTS if (root / at / "train_name.txt").exists()), root)
    train_rows, test_rows = (
        _read_rows(lists / f"track_{part}_info.txt") for part in ("train", "test")
    )
    everybody = {row.identity for row in (*train_rows, *test_rows)}
    train, test = (
        _tracklets(rows, lists / f"{part}_name.txt", root / f"bbox_{part}", everybody)
        for rows, part in ((train_rows, "train"), (test_rows, "test"))
    )
    asked = _query_rows(lists / "query_IDX.txt", test)
    parts = (
        _sorted_by_name(train.values()),
        _sorted_by_name([test[number] for number in asked]),
        _sorted_by_name([each for number, each in test.items() if number not in asked]),
    )
    general = Split("general", *parts)
    return DataSet("mevid", (general, Split("clothes-changing", *parts, excludes_same_outfit=True)))


def _read_rows(path: Path) -> list[_Row]:
    lines = read_list(path, fields=_COLUMNS, unique=False)
    numbers = [[whole_number(text) for text in line.fields] for line in lines]
    wrong = [
        line
        for line, row in zip(lines, numbers, strict=True)
        if any(number is None or number < 0 for number in row)
    ]
    refuse_lines(path, wrong, f"whole numbers from 0 ({_COLUMNS}) in every line")
    return [
        _Row(line, *(number or 0 for number in row))
        for line, row in zip(lines, numbers, strict=True)
    ]


def _tracklets(
    rows: Sequence[_Row], name_list: Path, folder: Path, everybody: Collection[int]
) -> dict[int, Tracklet]:
    """Place in the list of tracklets → tracklet, where it has frames."""
    names = [line.fields[0] for line in read_list(name_list, fields="frame", unique=False)]
    matches = [_FRAME.fullmatch(name) for name in names]
    filled = {place: row for place, row in enumerate(rows) if row.last >= row.first}
    wrong = [row for row in filled.values() if not _agrees(row, matches)]
    if wrong:
        raise LayoutError(
            f"frames of one tracklet, with the identity and camera of the line, in {name_list}",
            f"others for line {wrong[0].line.number} of {len(wrong)} such lines: "
            f"{' '.join(wrong[0].line.fields)}",
            "restore both lists from the archive",
            paths=[name_list],
        )
    frames = {
        place: _in_order(matches[row.first : row.last + 1], folder) for place, row in filled.items()
    }
    _check_presence(folder, frames)
    called = {place: names[row.first].rpartition("F")[0] for place, row in filled.items()}
    times = Counter(called.values())
    return {
        place: Tracklet(
            # A second line of one camera's tracklet is told apart by its place.
            name=called[place] if times[called[place]] == 1 else f"{called[place]}-{place:05d}",
            identity=from_one(row.identity, everybody),
            camera=row.camera,
            frames=frames[place],
            outfit=str(row.outfit),
        )
        for place, row in filled.items()
    }


def _agrees(row: _Row, matches: Sequence[re.Match[str] | None]) -> bool:
    found = [match for match in matches[row.first : row.last + 1] if match is not None]
    said = {(match["tracklet"], int(match["identity"]), int(match["camera"])) for match in found}
    return (
        len(found) == row.last + 1 - row.first
        and len({match[0] for match in found}) == len(found)
        and {about[1:] for about in said} == {(row.identity, row.camera)}
        and len(said) == 1
    )


def _in_order(matches: Sequence[re.Match[str] | None], folder: Path) -> tuple[Path, ...]:
    """By the number of the frame, whatever the order of the list."""
    found = sorted((match for match in matches if match), key=lambda match: int(match["order"]))
    return tuple(folder / match["identity"] / match[0] for match in found)


def _check_presence(folder: Path, frames: Mapping[int, Sequence[Path]]) -> None:
    # A listing per identity takes seconds where a look at each of millions of files takes minutes.
    present = {
        inner: {each.name for each in inner.iterdir()}
        for inner in (folder.iterdir() if folder.is_dir() else ())
        if inner.is_dir()
    }
    missing = [
        path
        for paths in frames.values()
        for path in paths
        if path.name not in present.get(path.parent, ())
    ]
    if missing:
        raise LayoutError(
            f"every frame of the lists under {folder}",
            f"{len(missing)} missing, {first_of(missing)}",
            "restore them from the archive",
            paths=missing,
        )


def _query_rows(path: Path, test: Mapping[int, Tracklet]) -> dict[int, Line]:
    lines = read_list(path, fields="line")
    numbers = {whole_number(line.fields[0]): line for line in lines}
    wrong = [line for number, line in numbers.items() if number not in test]
    refuse_lines(
        path, wrong, "places of tracklets with frames in track_test_info.txt, from 0, in every line"
    )
    return {number: line for number, line in numbers.items() if number is not None}


def _sorted_by_name(tracklets: Collection[Tracklet]) -> tuple[Tracklet, ...]:
    return tuple(sorted(tracklets, key=lambda tracklet: tracklet.name))


MEVID = DataSetLayout(
    title="MEVID",
    read=read_mevid,
    expected_tree="""\
mevid/
├── bbox_train/
│   └── 0103/
│       └── 0103O020C424T000F00000.jpg
├── bbox_test/
├── train_name.txt         the lists may be in
├── test_name.txt          mevid-v1-annotation-data/
├── track_train_info.txt
├── track_test_info.txt
└── query_IDX.txt          the others are the gallery
""",
    # Of query and gallery the authors give the sum: 54 people, 1,754 tracklets.
    published={"train": PublishedCounts(identities=104, tracklets=6338)},
)
