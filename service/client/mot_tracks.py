"""Reads tracks in the text format of the MOT challenge, as trackers and annotation tools write it.

A line is `frame, id, left, top, width, height` and, where they are known, `confidence, class,
visibility`. Frames and pixels are counted from 1. A confidence of 0 marks what is not to be
considered, and -1 stands for an unknown class.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_LONGEST_ECHO = 60
_ANY_CLASS = -1


class MotTracksError(ValueError):
    """A file that cannot be read as tracks; the text says expected, received and remedy."""


@dataclass(frozen=True, slots=True)
class TrackBox:
    """Where a person is in one frame: pixels from the upper left corner of the picture.

    Attributes:
        frame: Counted from 1.
    """

    frame: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Track:
    """One person's boxes in the order of frames, at least one."""

    track_id: int
    boxes: tuple[TrackBox, ...]


@dataclass(frozen=True, slots=True)
class MotTracks:
    """What a file holds.

    Attributes:
        tracks: By their ids, ascending.
        left_out: Lines of confidence 0 or of another class.
    """

    tracks: tuple[Track, ...]
    left_out: int


def read_mot_tracks(path: Path, *, class_id: int) -> MotTracks:
    """The tracks of people in the file.

    Args:
        path: A text file.
        class_id: Which class is people, where lines name one.

    Raises:
        MotTracksError: When the file cannot be read, or a line is none of this format.
    """
    boxes: dict[int, dict[int, TrackBox]] = defaultdict(dict)
    left_out = 0
    for number, line in _lines(path):
        fields = _numbers(line, number)
        if not _considered(fields, class_id):
            left_out += 1
            continue
        track_id, box = _whole(fields[1], number), _box(fields, number)
        if box.frame in boxes[track_id]:
            raise _wrong(number, "one box of a track in a frame", "a second one")
        boxes[track_id][box.frame] = box
    if not boxes:
        raise MotTracksError(
            f"expected lines of tracks in {path}, received none to consider "
            f"({left_out} left out); name the class of people by --class-id"
        )
    tracks = (
        Track(track_id, tuple(by_frame[frame] for frame in sorted(by_frame)))
        for track_id, by_frame in sorted(boxes.items())
    )
    return MotTracks(tuple(tracks), left_out)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line.strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise MotTracksError(
            f"expected a text file of tracks at {path}, received: {why}; name a MOT file"
        ) from error


def _numbers(line: str, number: int) -> list[float]:
    try:
        fields = [float(field) for field in line.split(",")]
    except ValueError:
        fields = []
    if len(fields) < 6 or not all(math.isfinite(field) for field in fields):
        wanted = "numbers: frame, id, left, top, width, height[, confidence, class, visibility]"
        raise _wrong(number, wanted, repr(line[:_LONGEST_ECHO]))
    return fields


def _considered(fields: Sequence[float], class_id: int) -> bool:
    if len(fields) > 6 and fields[6] == 0:
        return False
    return len(fields) <= 7 or fields[7] in {class_id, _ANY_CLASS}


def _box(fields: Sequence[float], number: int) -> TrackBox:
    frame = _whole(fields[0], number)
    left, top, width, height = fields[2:6]
    if width <= 0 or height <= 0:
        raise _wrong(number, "a box with a width and a height", f"{width:g} x {height:g}")
    return TrackBox(frame, left - 1, top - 1, width, height)


def _whole(value: float, number: int) -> int:
    if value < 1 or value != int(value):
        raise _wrong(number, "a frame and a track id, whole numbers from 1 on", f"{value:g}")
    return int(value)


def _wrong(number: int, expected: str, received: str) -> MotTracksError:
    return MotTracksError(
        f"expected {expected} in line {number}, received {received}; correct the file of tracks"
    )
