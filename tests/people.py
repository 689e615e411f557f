"""Tracklets of people told apart by their clothes, as a client would upload them."""

import io

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200), "green": (30, 160, 30)}


def frames_of(person: str, *, camera: int = 0, count: int = 3) -> list[bytes]:
    """PNG frames of a person in clothes of that colour; cameras differ in light and noise."""
    return [_frame(COLOURS[person], seed=100 * camera + place) for place in range(count)]


def parts_of(frames: list[bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    """Multipart parts of frames, for httpx."""
    return [("frames", (f"{i}.png", frame, "image/png")) for i, frame in enumerate(frames)]


def _frame(colour: tuple[int, int, int], *, seed: int) -> bytes:
    noise = np.random.default_rng(seed)
    pixels = np.full((64, 32, 3), 90.0) + noise.normal(0, 8, (64, 32, 3)) + seed // 100 * 10
    pixels[16:40, 8:24] = colour
    stream = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()
