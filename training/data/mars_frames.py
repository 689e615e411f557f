"""Image names of MARS, and the images that its official lists name."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.data.layout_error import LayoutError, first_of
from training.data.list_file import text_lines
from training.data.mars_lists import LISTS_SOURCE, ListedTracklet
from training.data.tracklet import Tracklet

MARS_FRAME = re.compile(r"(?P<tracklet>(00-1|\d{4})C\dT\d{4})F(?P<order>\d{3,})\.jpg")


def identity_and_camera(tracklet: str) -> tuple[int, int]:
    """What the first characters of `0003C1T0001` say; `00-1` is junk (-1)."""
    return -1 if tracklet.startswith("00-1") else int(tracklet[:4]), int(tracklet[5])


def listed_tracklets(
    rows: Sequence[ListedTracklet], name_list: Path, folder: Path
) -> list[Tracklet]:
    """The tracklets of a list, in its order, under the names of their images: `0003C1T0001`.

    Args:
        rows: Of `tracks_train_info.mat` or `tracks_test_info.mat`.
        name_list: `train_name.txt` or `test_name.txt`: a name of an image per line.
        folder: `bbox_train` or `bbox_test`.

    Raises:
        LayoutError: When the list of names is missing or not text, the two lists disagree, or an
            image that is named is not there.
    """
    lines = [line.strip() for line in text_lines(name_list, remedy=LISTS_SOURCE)]
    names = [lines[row.start : row.stop] for row in rows]
    for row, frames in zip(rows, names, strict=True):
        _check_agreement(row, frames, name_list)
    _check_presence(folder, (name for frames in names for name in frames))
    called = [frames[0].rpartition("F")[0] for frames in names]
    times = Counter(called)
    return [
        Tracklet(
            # A second row of the same camera's tracklet is told apart by its place in the list.
            name=name if times[name] == 1 else f"{name}-{row.name}",
            identity=row.identity,
            camera=row.camera,
            frames=tuple(folder / frame[:4] / frame for frame in frames),
        )
        for name, row, frames in zip(called, rows, names, strict=True)
    ]


def _check_agreement(row: ListedTracklet, frames: Sequence[str], name_list: Path) -> None:
    """The names of a row are as many as it says, and of one tracklet, identity and camera."""
    matches = [MARS_FRAME.fullmatch(name) for name in frames]
    named = {match["tracklet"] if match else None for match in matches}
    wanted = (row.identity, row.camera)
    agree = [name is not None and identity_and_camera(name) == wanted for name in named]
    if len(frames) == row.stop - row.start and agree == [True]:
        return
    raise LayoutError(
        f"images of identity {row.identity} and camera {row.camera} in lines {row.start + 1} to "
        f"{row.stop} of {name_list}, as {row.name} says",
        f"{len(frames)} lines, {', '.join(frames[:1]) or 'none'} the first",
        LISTS_SOURCE,
        paths=[name_list],
    )


def _check_presence(folder: Path, names: Iterable[str]) -> None:
    if not folder.is_dir():
        raise LayoutError(
            f"the folder {folder}", "nothing", "restore it from the archive", paths=[folder]
        )
    # A listing per identity takes seconds where a look at each of a million files takes minutes.
    present = {
        entry.name: {file.name for file in os.scandir(entry)}
        for entry in os.scandir(folder)
        if entry.is_dir()
    }
    missing = [folder / name[:4] / name for name in names if name not in present.get(name[:4], ())]
    if missing:
        raise LayoutError(
            f"every image of the official list under {folder}",
            f"{len(missing)} missing, {first_of(missing)}",
            "restore them from the archive",
            paths=missing,
        )
