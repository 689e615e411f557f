"""Pixels as they came to the frames that are embedded."""

import numpy as np
from numpy.typing import NDArray

from model.manifest import Preprocessing
from service.media.decode_budget import DecodeBudget
from service.media.decoded_tracklet import DecodedTracklet, FrameRows, decoded_tracklet
from service.media.frame_limits import FrameLimits
from service.media.image_header import UnreadableImageError
from service.media.pixels import resized


def choose_pixels(
    pixels: NDArray[np.uint8],
    limits: FrameLimits,
    preprocessing: Preprocessing,
    budget: DecodeBudget,
) -> DecodedTracklet:
    """Choose the frames that are to be embedded, and resize them where they are of another size.

    Args:
        pixels: uint8 RGB [t, h, w, 3].
        limits: What a frame may be.
        preprocessing: Which frames are chosen, and their size.
        budget: What that may cost.

    Raises:
        NoReadableFrame: When there is no frame, or frames are of a size that is not allowed.
        DecodeBudgetExceeded: When that takes too much.
    """
    received, height, width = pixels.shape[:3]
    chosen = preprocessing.choice.indices(received) if received else []
    rows = FrameRows(len(chosen), preprocessing)
    reasons: dict[int, str] = {}
    try:
        limits.check_size(width=width, height=height)
    except UnreadableImageError as error:
        reasons = dict.fromkeys(range(received), str(error))
    else:
        for index in chosen:
            budget.spend(height * width)
            rows.keep(index, resized(pixels[index], preprocessing))
    remedy = "send uint8 RGB pixels of one person, frames by rows by columns by 3"
    return decoded_tracklet(rows, reasons, received=received, remedy=remedy)
