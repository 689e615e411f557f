"""Drawn videos of people who walk, with their tracks as a tracker would write them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.encoded_videos import encoded_video
from tests.people import COLOURS

HEIGHT, WIDTH = 160, 240
BOX_HEIGHT, BOX_WIDTH = 64, 32
PEOPLE = ("red", "blue", "green")


def box_of(place: int, frame: int) -> tuple[int, int]:
    """Left and top, from 0, of a person in a frame counted from 1: everyone walks to the right."""
    return 4 + 70 * place + 2 * frame, 8 + 24 * place


def walking(frames: int) -> list[NDArray[np.uint8]]:
    """Pictures of three people, each in clothes of a colour, before a grey wall."""
    pictures = []
    for frame in range(1, frames + 1):
        picture = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
        for place, person in enumerate(PEOPLE):
            left, top = box_of(place, frame)
            picture[top : top + BOX_HEIGHT, left : left + BOX_WIDTH] = 90
            picture[top + 16 : top + 40, left + 8 : left + 24] = COLOURS[person]
        pictures.append(picture)
    return pictures


def tracks_of(frames: int) -> str:
    """Their tracks: ids 1, 2 and 3 in the order of `PEOPLE`; boxes are counted from 1."""
    lines = []
    for frame in range(1, frames + 1):
        for place in range(len(PEOPLE)):
            left, top = box_of(place, frame)
            size = f"{BOX_WIDTH},{BOX_HEIGHT}"
            lines.append(f"{frame},{place + 1},{left + 1},{top + 1},{size},1,1,1")
    return "\n".join(lines) + "\n"


def write_tracked_video(folder: Path, frames: int = 20) -> tuple[Path, Path]:
    """The video, of 10 pictures a second, and its tracks."""
    video, tracks = folder / "hall.mp4", folder / "hall.txt"
    video.write_bytes(encoded_video(walking(frames), rate=10, crf="12"))
    tracks.write_text(tracks_of(frames))
    return video, tracks
