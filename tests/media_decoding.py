"""Limits and a model's wishes for tests that decode, and how they call the decoder."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from PIL import Image

from model.manifest import FrameChoice, Preprocessing
from service.media.decode import FrameDecoder, MediaLimits
from service.media.decode_budget import DecodeBudget, DecodeLimits
from service.media.frame_limits import FrameLimits
from service.media.video_limits import VideoLimits
from tests.encoded_frames import encoded

Result = TypeVar("Result")

FRAME_LIMITS = FrameLimits(
    max_bytes=200_000, max_pixels=100_000, max_side_px=1000, formats=("JPEG", "PNG", "WEBP")
)
MEDIA_LIMITS = MediaLimits(
    FRAME_LIMITS, DecodeLimits(cpu_s=20.0, pixels=10**7), VideoLimits(60, 30.0)
)
MOST = 4
PREPROCESSING = Preprocessing(
    frames_per_clip=None,
    choice=FrameChoice(policy="evenly_spaced", most=MOST),
    height=64,
    width=32,
    interpolation="bilinear_antialias",
    colour="RGB",
)


def frame_decoder(**options: int) -> FrameDecoder:
    """A decoder under these limits, of one thread unless more are asked for."""
    return FrameDecoder(MEDIA_LIMITS, PREPROCESSING, **{"threads": 1, **options})


def ample_budget() -> DecodeBudget:
    """A budget that no test exhausts."""
    return DecodeBudget(MEDIA_LIMITS.tracklet, lambda: None)


def truncated_jpeg(seed: int) -> bytes:
    """The first half of a picture of noise; no two seeds look alike."""
    data = encoded(Image.effect_noise((40, 90), 60 + seed), "JPEG")
    return data[: len(data) // 2]


def within_20_s(coroutine: Coroutine[object, object, Result]) -> Result:
    """The coroutine's result, run in a loop of its own."""
    return asyncio.run(asyncio.wait_for(coroutine, 20))
