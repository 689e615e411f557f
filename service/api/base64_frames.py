"""Picture files as text in JSON: base64, or data URIs of it."""

import base64
import binascii
from collections.abc import Sequence

from service.api.raw_frames import too_many_frames
from service.errors import InvalidInput, NoReadableFrame
from service.media.tracklet_source import EncodedFrames

ACCEPTED_FRAME = "base64 of a picture file, or a data URI of it"

_DATA = "data:"
_ENCODED = ";base64"
_LONGEST_HEADER = 200


def decode_frames(texts: Sequence[str], *, most: int, name: str = "frames") -> EncodedFrames:
    """The files that the texts hold, in their order; nothing is fetched from anywhere.

    Args:
        texts: One a frame.
        most: Frames that a tracklet may have.
        name: Of the list, for errors.

    Raises:
        NoReadableFrame: When there is no frame.
        TooManyFrames: When there are more than `most`.
        InvalidInput: When a text is neither base64 nor a data URI of it.
    """
    if not texts:
        raise NoReadableFrame(
            expected=f"at least one frame in `{name}`",
            received="none",
            remedy=f"send {ACCEPTED_FRAME} for each frame",
        )
    if len(texts) > most:
        raise too_many_frames(most, received=str(len(texts)), where=f" in `{name}`")
    return EncodedFrames(
        tuple(_decode(text, f"{name}[{place}]") for place, text in enumerate(texts))
    )


def _decode(text: str, name: str) -> bytes:
    content = text
    if text[: len(_DATA)].lower() == _DATA:
        header, comma, content = text.partition(",")
        if not comma or not header.lower().endswith(_ENCODED):
            raise _refused(name, "a data URI without `;base64,`")
    elif ":" in text[:_LONGEST_HEADER]:
        raise _refused(name, "another kind of address: the service fetches nothing")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused(name, "text that is not base64") from error


def _refused(name: str, received: str) -> InvalidInput:
    return InvalidInput(
        expected=f"`{name}` to be {ACCEPTED_FRAME}",
        received=received,
        remedy="encode the whole file: data:image/jpeg;base64,...",
    )
