"""Picture files to the frames that are embedded."""

from collections.abc import Sequence

from model.manifest import Preprocessing
from service.media.decode_budget import DecodeBudget
from service.media.decoded_tracklet import DecodedTracklet, FrameRows, decoded_tracklet
from service.media.frame_limits import FrameLimits, check_header
from service.media.image_header import FORMATS, ImageHeader, UnreadableImageError
from service.media.pixels import decode_pixels


def decode_pictures(
    files: Sequence[bytes],
    limits: FrameLimits,
    preprocessing: Preprocessing,
    budget: DecodeBudget,
) -> DecodedTracklet:
    """Decode the frames that are to be embedded.

    Headers of all files are checked first; the manifest's choice is made among the good ones. A
    chosen file whose pixels turn out unreadable is rejected and not replaced, unless none is left:
    then the choice is made again among the rest.

    Raises:
        NoReadableFrame: When not one file can be decoded.
        DecodeBudgetExceeded: When that takes too much.
    """
    headers, reasons = _read_headers(files, limits, budget)
    rows = FrameRows(0, preprocessing)
    candidates = sorted(headers)
    while candidates and not rows.used:
        places = preprocessing.choice.indices(len(candidates))
        chosen = [candidates[place] for place in places]
        rows = FrameRows(len(chosen), preprocessing)
        for index in chosen:
            header = headers[index]
            budget.spend(header.width * header.height)
            try:
                rows.keep(index, decode_pixels(header, preprocessing, rows.next_row()))
            except UnreadableImageError as error:
                reasons[index] = str(error)
        candidates = sorted(set(candidates) - set(chosen))
    remedy = f"send whole {', '.join(FORMATS)} files in the field `frames`"
    return decoded_tracklet(rows, reasons, received=len(files), remedy=remedy)


def _read_headers(
    files: Sequence[bytes], limits: FrameLimits, budget: DecodeBudget
) -> tuple[dict[int, ImageHeader], dict[int, str]]:
    headers = {}
    reasons = {}
    for index, data in enumerate(files):
        budget.spend(0)
        try:
            headers[index] = check_header(data, limits)
        except UnreadableImageError as error:
            reasons[index] = str(error)
    return headers, reasons
