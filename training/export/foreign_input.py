"""How an imported graph wants its frames: what its file cannot say and a person has to."""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["NCHW", "NHWC"]
Colour = Literal["RGB", "BGR"]
Triple = tuple[float, float, float]

# Beyond these, single precision loses pixels: no graph was trained with such numbers.
TINY, HUGE = 1e-6, 1e6


@dataclass(frozen=True, slots=True)
class ForeignInput:
    """What becomes of a pixel: `(pixel / scale - mean) / std`, then layout and colour order.

    Attributes:
        layout: Order of the input's axes.
        colour: Order of its channels; `mean` and `std` are in this order too.
        scale: What a pixel of 0 to 255 is divided by.
        mean: Of each channel, after scaling.
        std: Of each channel, after scaling.
        size: Height and width, where the graph leaves them open.
        input_name: Of the input that takes frames, where there are several.
        output_name: Of the output that is the embedding, where there are several.
        normalise_frames: Whether each frame's feature is brought to length 1 before the mean.
    """

    layout: Layout
    colour: Colour
    scale: float
    mean: Triple
    std: Triple
    size: tuple[int, int] | None = None
    input_name: str | None = None
    output_name: str | None = None
    normalise_frames: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that would make every pixel the same, or none."""
        if not TINY <= self.scale <= HUGE:
            raise ValueError(
                f"expected a scale of {TINY:g} to {HUGE:g}, received {self.scale}; give 255 "
                "for graphs of 0 to 1, 1 for graphs of 0 to 255"
            )
        if not all(TINY <= value <= HUGE for value in self.std):
            raise ValueError(
                f"expected three standard deviations of {TINY:g} to {HUGE:g}, received "
                f"{list(self.std)}; give 1,1,1 where the graph divides by none"
            )
        if not all(-HUGE <= value <= HUGE for value in self.mean):
            raise ValueError(
                f"expected three means of {-HUGE:g} to {HUGE:g}, received "
                f"{list(self.mean)}; give 0,0,0 where the graph subtracts none"
            )

    @property
    def factor(self) -> NDArray[np.float64]:
        """What a pixel is multiplied with, [3]; `offset` is added then."""
        return np.reciprocal(self.scale * np.asarray(self.std, np.float64))

    @property
    def offset(self) -> NDArray[np.float64]:
        """What is added after `factor`, [3]."""
        return np.negative(self.mean) / np.asarray(self.std, np.float64)

    @property
    def leaves_pixels_alone(self) -> bool:
        """Whether scale, mean and standard deviation change nothing."""
        return bool((self.factor == 1).all() and (self.offset == 0).all())

    def values(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Frames uint8 RGB [n, h, w, 3] as the graph wants them, computed by the definition."""
        pixels = frames[..., ::-1] if self.colour == "BGR" else frames
        scaled = pixels.astype(np.float32) / np.float32(self.scale)
        values = (scaled - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        if self.layout == "NCHW":
            values = values.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(values, dtype=np.float32)


def three_numbers(text: str, option: str) -> Triple:
    """`0.485,0.456,0.406`, or one number for all three channels.

    Raises:
        ValueError: For another count, or what is no number.
    """
    try:
        numbers = [float(number) for number in re.split(r"[,\s]+", text.strip())]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3:
        raise ValueError(
            f"expected three numbers for {option}, as in {option} 0.485,0.456,0.406, received "
            f"{text!r}; give one for each channel, in the order of --color"
        )
    return (numbers[0], numbers[1], numbers[2])


def height_and_width(text: str) -> tuple[int, int]:
    """`256x128`, height first.

    Raises:
        ValueError: For anything else.
    """
    match = re.fullmatch(r"([1-9]\d{0,3})[x×]([1-9]\d{0,3})", text)
    if match is None:
        raise ValueError(
            f"expected height and width for --size, as in --size 256x128, received {text!r}; "
            "give the height first"
        )
    return int(match[1]), int(match[2])
