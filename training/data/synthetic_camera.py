"""A made-up camera: where it looks from, how it crops, and what it does to colour and detail."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter


@dataclass(frozen=True)
class CameraLook:
    """What all tracklets of one camera have in common.

    Attributes:
        gains: Factors on red, green and blue: the colour cast.
        saturation: 0 is grey, 1 leaves colours alone.
        gamma: Exponent on intensity in 0..1; above 1 is darker.
        contrast: The range that intensity is squeezed into; below 1 is haze.
        sidelight: Change of light from the left to the right edge, as a share.
        resolution: Share of the frame's pixels per side that the camera really resolves.
        blur: Radius of the lens's blur as a share of the frame's height.
        noise: Standard deviation of the sensor's noise, in levels of 0..255.
        jpeg_quality: Quality of the camera's own compression, 1..95.
        person_share: Height of an average person as a share of the frame's height.
        offset: Bias of the detector's boxes, right and down, as shares of width and height.
        tilt_rad: How far the camera looks down.
        directions_rad: The directions people walk in here; 0 is towards the camera.
    """

    gains: tuple[float, float, float]
    saturation: float
    gamma: float
    contrast: float
    sidelight: float
    resolution: float
    blur: float
    noise: float
    jpeg_quality: int
    person_share: float
    offset: tuple[float, float]
    tilt_rad: float
    directions_rad: tuple[float, ...]

    def capture(self, scene: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """What this camera records of a scene.

        Args:
            scene: The frame as it is, RGB `[h, w, 3]`.
            rng: Source of the sensor's noise.

        Returns:
            The frame as recorded, RGB `[h, w, 3]`.
        """
        return self._compressed(self._sensed(self._through_lens(scene), rng))

    def _through_lens(self, scene: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width = scene.shape[:2]
        image = Image.fromarray(scene)
        seen = (max(1, round(width * self.resolution)), max(1, round(height * self.resolution)))
        image = image.resize(seen, Image.Resampling.BILINEAR)
        image = image.filter(ImageFilter.BoxBlur(self.blur * seen[1]))
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        return np.asarray(image, dtype=np.float32)

    def _sensed(self, light: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
        height, width = light.shape[:2]
        grey = light.mean(axis=2, keepdims=True)
        ramp = np.linspace(-0.5, 0.5, width, dtype=np.float32) * self.sidelight + 1
        gains = np.array(self.gains, dtype=np.float32) * ramp[None, :, None] / 255
        level = np.clip((grey + self.saturation * (light - grey)) * gains, 0, 1) ** self.gamma
        level = 255 * (0.5 + self.contrast * (level - 0.5))
        # One value for the three colours: independent noise per colour looks like confetti.
        noise = rng.standard_normal((height, width, 1), dtype=np.float32) * self.noise
        recorded: NDArray[np.uint8] = np.clip(level + noise, 0, 255).astype(np.uint8)
        return recorded

    def _compressed(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        buffer = BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG", quality=self.jpeg_quality)
        with Image.open(buffer) as image:
            return np.asarray(image)


def camera_look(rng: np.random.Generator) -> CameraLook:
    """Draw a camera.

    Args:
        rng: A generator that belongs to this camera alone; its state decides everything.
    """
    warmth, tint = rng.uniform(-0.14, 0.14), rng.uniform(-0.05, 0.05)
    exposure = rng.uniform(0.85, 1.15)
    first = rng.uniform(-np.pi, np.pi)
    return CameraLook(
        gains=(
            float(exposure * (1 + warmth)),
            float(exposure * (1 + tint)),
            float(exposure * (1 - warmth)),
        ),
        saturation=float(rng.uniform(0.65, 1.15)),
        gamma=float(rng.uniform(0.75, 1.35)),
        contrast=float(rng.uniform(0.75, 1.0)),
        sidelight=float(rng.uniform(-0.35, 0.35)),
        resolution=float(rng.uniform(0.35, 0.8)),
        blur=float(rng.uniform(0.0, 0.006)),
        noise=float(rng.uniform(1.0, 5.0)),
        jpeg_quality=int(rng.integers(45, 92)),
        person_share=float(rng.uniform(0.8, 0.98)),
        offset=(float(rng.uniform(-0.06, 0.06)), float(rng.uniform(-0.03, 0.03))),
        tilt_rad=float(rng.uniform(0.05, 0.3)),
        directions_rad=(float(first), float(first + np.pi), float(first + rng.uniform(1.2, 1.9))),
    )
