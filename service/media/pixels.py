"""One encoded frame to `uint8` RGB at the model's size.

The result for an opaque 8-bit picture is exactly what training does:
`Image.open(file).convert("RGB").resize((width, height), BILINEAR)`. Beyond that:

- Transparent pixels are laid over mid grey. Their stored colour is arbitrary, mostly black, and
  black clothes are evidence; mid grey is near the value that normalisation turns into zero.
- 16-bit grey keeps its upper 8 bits; a plain conversion would clip nearly all of it to white.
- EXIF orientation is not applied. A crop is cut by a tracker from a decoded frame, upright as the
  tracker saw it, and training applies none; a camera's tag copied into it would turn it wrongly.
- Animations and truncated files are refused: a frame is one whole picture.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from model.manifest import Preprocessing
from service.media.image_header import ImageHeader, UnreadableImageError

_MID_GREY = (128, 128, 128, 255)


def decode_pixels(header: ImageHeader, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Decode and resize one frame whose header was checked: uint8 RGB [height, width, 3].

    Raises:
        UnreadableImageError: When the codec cannot read the whole picture.
    """
    try:
        with Image.open(io.BytesIO(header.picture), formats=[header.format]) as image:
            _require_size(image, header)
            resized = _rgb(image).resize(
                (preprocessing.width, preprocessing.height), Image.Resampling.BILINEAR
            )
    except Exception as error:
        # Codecs raise whatever a hostile file makes them raise; all of it means this one thing.
        raise UnreadableImageError(
            f"expected a whole {header.format} picture of {header.width} x {header.height} px, "
            f"received data that cannot be decoded{_detail(error)}; send the file again"
        ) from error
    return np.asarray(resized)


def _require_size(image: Image.Image, header: ImageHeader) -> None:
    if image.size != (header.width, header.height):
        raise ValueError(f"the codec reads {image.width} x {image.height} px")


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
