"""One encoded frame to `uint8` RGB at the model's size.

The result for an opaque 8-bit picture is exactly what training does:
`Image.open(file).convert("RGB").resize((width, height), BILINEAR)`. JPEG in grey or YCbCr goes to
libjpeg-turbo directly, which gives the same pixels in less than half of the time; what it does not
decode without a complaint is left to Pillow, to read or to refuse. Beyond that:

- Transparent pixels are laid over mid grey. Their stored colour is arbitrary, mostly black, and
  black clothes are evidence; mid grey is near the value that normalisation turns into zero.
- 16-bit grey keeps its upper 8 bits; a plain conversion would clip nearly all of it to white.
- EXIF orientation is not applied. A crop is cut by a tracker from a decoded frame, upright as the
  tracker saw it, and training applies none; a camera's tag copied into it would turn it wrongly.
- Animations and truncated files are refused: a frame is one whole picture.
"""

import io

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from model.manifest import Preprocessing
from service.media.image_header import ImageHeader, UnreadableImageError

_MID_GREY = (128, 128, 128, 255)
_SAME_BY_LIBJPEG = frozenset({"YCbCr", "Gray"})
"""Colours for which both decoders are the same arithmetic; CMYK is converted by Pillow's."""


def decode_pixels(
    header: ImageHeader, preprocessing: Preprocessing, row: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Decode and resize one frame whose header was checked: uint8 RGB [height, width, 3].

    Args:
        header: The file and what it says of itself.
        preprocessing: At what size.
        row: Where the frame may lie, uint8 [height, width, 3]; it then lies there if it can be
            written there at once. It may hold anything after an error.

    Raises:
        UnreadableImageError: When the codec cannot read the whole picture.
    """
    frame = _by_libjpeg(header, row)
    if frame is not None:
        return resized(frame, preprocessing)
    try:
        with Image.open(io.BytesIO(header.picture), formats=[header.format]) as image:
            _require_size(image.size, header)
            return np.asarray(_resized(_rgb(image), preprocessing))
    except Exception as error:
        # Codecs raise whatever a hostile file makes them raise; all of it means this one thing.
        raise UnreadableImageError(
            f"expected a whole {header.format} picture of {header.width} x {header.height} px, "
            f"received data that cannot be decoded{_detail(error)}; send the file again"
        ) from error


def resized(frame: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """A frame uint8 RGB [h, w, 3] at the model's size: uint8 RGB [height, width, 3]."""
    if frame.shape[:2] == (preprocessing.height, preprocessing.width):
        return frame
    return np.asarray(_resized(Image.fromarray(frame), preprocessing))


def _by_libjpeg(
    header: ImageHeader, row: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8] | None:
    if header.format != "JPEG":
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(header.picture)
        if colours not in _SAME_BY_LIBJPEG or (width, height) != (header.width, header.height):
            return None
        fits = row is not None and row.shape[:2] == (height, width)
        frame: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            header.picture, "RGB", buffer=row if fits else None
        )
    except ValueError:
        return None
    return frame


def _resized(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    size = (preprocessing.width, preprocessing.height)
    return image.resize(size, Image.Resampling.BILINEAR)


def _require_size(size: tuple[int, int], header: ImageHeader) -> None:
    if size != (header.width, header.height):
        raise ValueError(f"the codec reads {size[0]} x {size[1]} px")


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "I;16":
        upper = np.asarray(image) >> 8
        return Image.fromarray(upper.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, _MID_GREY)
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _detail(error: Exception) -> str:
    # "cannot identify" names a memory address and nothing else.
    return "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
