"""Folders that each hold the frames of one tracklet, read in the order of their numbers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from training.data.layout_error import LayoutError, first_of

_IMAGES = {".jpg", ".jpeg", ".png"}

NamedFrame = tuple[re.Match[str], Path]


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name, hidden ones left out.

    Raises:
        LayoutError: When the folder is missing, or holds none.
    """
    if not folder.is_dir():
        raise LayoutError(
            f"the folder {folder}", "nothing", "restore it from the archive", paths=[folder]
        )
    found = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if not found:
        raise LayoutError(
            f"folders in {folder}", "none", "restore them from the archive", paths=[folder]
        )
    return found


def read_frame_folders(
    folders: Iterable[Path], pattern: re.Pattern[str], *, example: str
) -> Mapping[Path, Sequence[NamedFrame]]:
    """The frames of every folder, in the order of the number in their names; other files ignored.

    Args:
        folders: One per tracklet.
        pattern: Of a whole file name, with a group `order`: a number that grows with time, starts
            anywhere and may have gaps.
        example: Such a name, for the message.

    Raises:
        LayoutError: When a folder holds no frame, or an image that is not named so; with all paths.
    """
    read: dict[Path, list[NamedFrame]] = {}
    foreign = []
    for folder in folders:
        frames = []
        for path in folder.iterdir():
            if path.suffix.lower() not in _IMAGES or path.name.startswith("."):
                continue
            match = pattern.fullmatch(path.name)
            if match is None:
                foreign.append(path)
            else:
                frames.append((match, path))
        read[folder] = sorted(frames, key=lambda frame: (int(frame[0]["order"]), frame[1].name))
    if foreign:
        raise LayoutError(
            f"images named like {example}",
            first_of(foreign),
            "remove what is not of the data set",
            paths=foreign,
        )
    _refuse_empty(read, example)
    return read


def _refuse_empty(read: Mapping[Path, Sequence[NamedFrame]], example: str) -> None:
    empty = [folder for folder, frames in read.items() if not frames]
    if empty:
        raise LayoutError(
            f"images like {example} in every folder of a tracklet",
            f"none in {first_of(empty)}",
            "restore the frames from the archive or remove the empty folder",
            paths=empty,
        )
