"""Image file → uint8 frame, with the pixels that the service would see.

JPEG files go to libjpeg-turbo directly, which takes a fraction of Pillow's time and gives the same
pixels; whatever it does not decode without a complaint is left to Pillow to read or to refuse. As
in the service, EXIF orientation is not applied: crops are upright as the tracker saw them.
"""

import io
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

_MID_GREY = (128, 128, 128, 255)
_MOST_PIXELS = 50_000_000  # more than any camera's; beyond, Pillow's own limit decides


def read_frame(path: Path, *, height: int, width: int) -> NDArray[np.uint8]:
    """Decode to RGB and resize with antialiased bilinear filtering: uint8 [height, width, 3].

    Transparent pixels are laid over mid grey, and 16-bit grey keeps its upper 8 bits.

    Raises:
        ValueError: When the file is missing or is not a whole still image, with its path.
    """
    try:
        data = path.read_bytes()
        frame = _decode_jpeg(data)
        return _decode(data, height, width) if frame is None else _resized(frame, height, width)
    except MemoryError:
        raise
    except Exception as error:
        # Codecs raise whatever a broken file makes them raise; all of it means this one thing.
        raise ValueError(
            f"expected a whole image at {path}, received: {error}; replace or remove the file"
        ) from error


def _decode_jpeg(data: bytes) -> NDArray[np.uint8] | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in {"YCbCr", "Gray"} or height * width > _MOST_PIXELS:
            return None
        frame: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB")
    except ValueError:
        return None
    return frame


def _resized(frame: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    if frame.shape[:2] == (height, width):
        return frame
    resized = Image.fromarray(frame).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def _decode(data: bytes, height: int, width: int) -> NDArray[np.uint8]:
    try:
        opened = Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        # Pillow's own words are the address of a buffer in memory.
        raise ValueError("bytes of no known image format") from None
    with opened as image:
        if getattr(image, "is_animated", False):
            raise ValueError("an animation")
        return np.asarray(_rgb(image).resize((width, height), Image.Resampling.BILINEAR))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "I;16":
        upper = np.asarray(image) >> 8
        return Image.fromarray(upper.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, _MID_GREY)
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
