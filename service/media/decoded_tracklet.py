"""What decoding makes of a tracklet: the frames to embed, and why others are not among them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def decoded_tracklet(
    pixels: Mapping[int, NDArray[np.uint8]],
    reasons: Mapping[int, str],
    *,
    received: int,
    remedy: str,
) -> DecodedTracklet:
    """The tracklet of the frames that could be read.

    Args:
        pixels: Frames uint8 RGB [height, width, 3] by their place in the upload.
        reasons: Why others could not be read, by theirs.
        received: Frames in the upload.
        remedy: What to do when there is no frame.

    Raises:
        NoReadableFrame: When there is none.
    """
    if not pixels:
        raise _no_readable_frame(received, reasons, remedy)
    used = tuple(sorted(pixels))
    return DecodedTracklet(
        frames=np.stack([pixels[index] for index in used]),
        received=received,
        used=used,
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
