"""CCVID, people who change clothes (Gu et al., CVPR 2022), made from the videos of FVG.

`train.txt`, `query.txt` and `gallery.txt` have a line per tracklet: its folder, identity and outfit
(`session1/001_01  001  u0_l0_s0_c0_a0`); frames are `00001.jpg` and so on. An outfit is told apart
within an identity only. Cameras are numbered as the authors do: as the folder's second number
says, and 12 more in the third session, which was recorded elsewhere.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout, PublishedCounts
from training.data.data_set_root import find_root
from training.data.frame_folders import read_frame_folders
from training.data.layout_error import LayoutError, first_of
from training.data.list_file import Line, read_list, refuse_lines
from training.data.tracklet import Tracklet

_PARTS = ("train", "query", "gallery")
_FOLDER = re.compile(r"session([123])/(\d+)_(\d+)")
_FRAME = re.compile(r"(?P<order>\d+)\.(jpg|png)")
_CAMERAS_BEFORE_SESSION_3 = 12


def read_ccvid(root: Path) -> DataSet:
    """Both protocols: everything counts, or only what a person wears other clothes in.

    Raises:
        LayoutError: When a list is missing or broken, or a folder it names has no frames.
    """
    root = find_root(
        root, title="CCVID", holds=["train.txt", "query.txt"], names=["CCVID", "ccvid"]
    )
    lines = {part: _read_part(root / f"{part}.txt") for part in _PARTS}
    _check_parts_apart(root, lines)
    train, query, gallery = (_tracklets(root, lines[part]) for part in _PARTS)
    general = Split("general", train=train, query=query, gallery=gallery)
    changing = Split(
        "clothes-changing", train=train, query=query, gallery=gallery, excludes_same_outfit=True
    )
    return DataSet("ccvid", (general, changing))


def _read_part(path: Path) -> list[Line]:
    lines = read_list(path, fields="folder identity outfit")
    refuse_lines(
        path,
        [line for line in lines if not _agrees(line)],
        "a folder like session1/001_01 and the identity that its name says in every line",
    )
    return lines


def _agrees(line: Line) -> bool:
    folder = _FOLDER.fullmatch(line.fields[0])
    identity = line.fields[1]
    return folder is not None and identity.isdecimal() and int(folder[2]) == int(identity) > 0


def _check_parts_apart(root: Path, lines: dict[str, list[Line]]) -> None:
    seen: set[str] = set()
    for part in _PARTS:
        again = [line for line in lines[part] if line.fields[0] in seen]
        refuse_lines(root / f"{part}.txt", again, "tracklets that are in no other line or list")
        seen.update(line.fields[0] for line in lines[part])


def _tracklets(root: Path, lines: Sequence[Line]) -> tuple[Tracklet, ...]:
    missing = [root / line.fields[0] for line in lines if not (root / line.fields[0]).is_dir()]
    if missing:
        raise LayoutError(
            f"every folder of the lists under {root}",
            f"{len(missing)} missing, {first_of(missing)}",
            "restore them from the archive",
            paths=missing,
        )
    folders = [root / line.fields[0] for line in lines]
    frames = read_frame_folders(folders, _FRAME, example="00001.jpg")
    tracklets = [
        Tracklet(
            name=line.fields[0].replace("/", "_"),
            identity=int(line.fields[1]),
            camera=_camera(line.fields[0]),
            frames=tuple(path for _, path in frames[root / line.fields[0]]),
            outfit=line.fields[2],
        )
        for line in lines
    ]
    return tuple(sorted(tracklets, key=lambda tracklet: tracklet.name))


def _camera(folder: str) -> int:
    session, number = folder.split("/", maxsplit=1)
    before = _CAMERAS_BEFORE_SESSION_3 if session == "session3" else 0
    return int(number.split("_")[1]) + before


CCVID = DataSetLayout(
    title="CCVID",
    read=read_ccvid,
    expected_tree="""\
CCVID/
├── train.txt       folder identity outfit
├── query.txt
├── gallery.txt
├── session1/
│   └── 001_01/     identity, camera
│       └── 00001.jpg
├── session2/
└── session3/
""",
    # Tracklets and people as in the paper; frames as others counted them in the release.
    published={
        "train": PublishedCounts(identities=75, tracklets=948, frames=118_613),
        "query": PublishedCounts(identities=151, tracklets=834, frames=116_799),
        "gallery": PublishedCounts(identities=151, tracklets=1074, frames=112_421),
    },
)
