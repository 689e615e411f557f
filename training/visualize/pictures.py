"""Frames as pictures inside a page: small JPEGs in data URIs, the same for the same pixels."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.manifest import FrameChoice
from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet

THUMBNAIL_PX = (128, 64)
STRIP_FRAMES = 8

_JPEG_QUALITY = 80
# Dark to light in lightness too: a printed or colour-blind reader sees the same order.
_HEAT = ((0, 0, 64), (120, 20, 130), (235, 85, 60), (255, 200, 40), (255, 255, 215))


def frame_strip(
    tracklet: Tracklet, *, most: int = STRIP_FRAMES, size: tuple[int, int] = THUMBNAIL_PX
) -> list[str]:
    """Data URIs of at most `most` evenly spaced frames, in time order, as thumbnails.

    Raises:
        ValueError: When a frame is missing or is not a whole image.
    """
    chosen = FrameChoice(policy="evenly_spaced", most=most).indices(len(tracklet.frames))
    frames = (read_frame(tracklet.frames[i], height=size[0], width=size[1]) for i in chosen)
    return [jpeg_data_uri(frame) for frame in frames]


def jpeg_data_uri(frame: NDArray[np.uint8]) -> str:
    """Frame uint8 [h, w, 3] → `data:image/jpeg;base64,…`."""
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def heat_over_frame(
    frame: NDArray[np.uint8], heat: NDArray[np.floating], *, hottest: float
) -> NDArray[np.uint8]:
    """Frame uint8 [h, w, 3] under a map [h', w'] resized to it; `hottest` is the top of the scale.

    The frame is seen in grey, so that colour means attention only.
    """
    height, width = frame.shape[:2]
    scaled = np.clip(heat / max(hottest, 1e-12), 0, 1).astype(np.float32)
    resized = Image.fromarray(scaled).resize((width, height), Image.Resampling.BILINEAR)
    grey = np.asarray(Image.fromarray(frame).convert("L"), dtype=np.float32)[..., None]
    return (0.45 * grey + 0.55 * heat_colours(np.asarray(resized))).round().astype(np.uint8)


def heat_colours(heat: NDArray[np.floating]) -> NDArray[np.float32]:
    """Values [...] from 0 to 1 → RGB [..., 3] from 0 to 255."""
    stops = np.linspace(0, 1, len(_HEAT))
    channels = [np.interp(heat, stops, levels) for levels in zip(*_HEAT, strict=True)]
    return np.stack(channels, axis=-1).astype(np.float32)
