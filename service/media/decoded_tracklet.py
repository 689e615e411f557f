"""What decoding makes of a tracklet: the frames to embed, and why others are not among them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.manifest import Preprocessing
from service.errors import NoReadableFrame

_REASONS_SHOWN = 3


@dataclass(frozen=True)
class RejectedFrame:
    """A frame that was not used, by its place in the upload, and why."""

    index: int
    reason: str


@dataclass(frozen=True)
class DecodedTracklet:
    """The frames to embed, and what became of the others.

    Attributes:
        frames: uint8 RGB [t, height, width, 3], in upload order.
        received: Frames in the upload.
        used: Place in the upload of each row of `frames`.
        rejected: Frames found unreadable. The pixels of frames that were not chosen are never
            looked at, so only their header can put them here.
    """

    frames: NDArray[np.uint8]
    received: int
    used: tuple[int, ...]
    rejected: tuple[RejectedFrame, ...]


class FrameRows:
    """Frames in one array, for a decoder to write them where they stay.

    An array for each frame, and a copy of them all, cost more than decoding them: what is freed is
    overwritten.

    Args:
        most: Frames that may be kept.
        preprocessing: Their size.
    """

    def __init__(self, most: int, preprocessing: Preprocessing) -> None:
        shape = (most, preprocessing.height, preprocessing.width, 3)
        self._rows: NDArray[np.uint8] = np.empty(shape, np.uint8)
        self._used: list[int] = []

    @property
    def used(self) -> tuple[int, ...]:
        """Place in the upload of each frame that was kept."""
        return tuple(self._used)

    @property
    def frames(self) -> NDArray[np.uint8]:
        """What was kept, uint8 RGB [t, height, width, 3]."""
        return self._rows[: len(self._used)]

    def next_row(self) -> NDArray[np.uint8]:
        """Where the next frame may be written, uint8 [height, width, 3]."""
        row: NDArray[np.uint8] = self._rows[len(self._used)]
        return row

    def keep(self, index: int, frame: NDArray[np.uint8]) -> None:
        """Keep a frame of the upload, which is copied unless it lies in the next row; in order."""
        row = self.next_row()
        if not np.may_share_memory(row, frame):
            row[...] = frame
        self._used.append(index)


def decoded_tracklet(
    rows: FrameRows, reasons: Mapping[int, str], *, received: int, remedy: str
) -> DecodedTracklet:
    """The tracklet of the frames that could be read.

    Args:
        rows: They.
        reasons: Why others could not be read, by their place in the upload.
        received: Frames in the upload.
        remedy: What to do when there is no frame.

    Raises:
        NoReadableFrame: When there is none.
    """
    if not rows.used:
        raise _no_readable_frame(received, reasons, remedy)
    return DecodedTracklet(
        frames=rows.frames,
        received=received,
        used=rows.used,
        rejected=tuple(RejectedFrame(index, reasons[index]) for index in sorted(reasons)),
    )


def _no_readable_frame(received: int, reasons: Mapping[int, str], remedy: str) -> NoReadableFrame:
    first = [f"frame {index}: {reasons[index]}" for index in sorted(reasons)[:_REASONS_SHOWN]]
    more = len(reasons) - len(first)
    listed = " | ".join([*first, *([f"and {more} more"] if more else [])])
    return NoReadableFrame(
        expected="at least one readable frame",
        received=f"{received} frames, none readable" + (f" ({listed})" if listed else ""),
        remedy=remedy,
    )
