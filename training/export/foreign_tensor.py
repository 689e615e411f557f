"""Inputs and outputs of a graph of unknown origin, held against what a person said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.export.foreign_input import ForeignInput

_CHANNEL_AXIS = {"NCHW": 1, "NHWC": 3}
_ROW_AXIS = {"NCHW": 2, "NHWC": 1}
LEAST_SIDE, MOST_SIDE = 16, 2048
"""Of a frame in pixels: beyond them a size is a mistake, and nobody can be drawn that small."""


@dataclass(frozen=True, slots=True)
class ForeignTensor:
    """An input or an output.

    Attributes:
        name: As the graph has it.
        kind: Of its elements, `float32` say.
        shape: None where the graph leaves a size open; None altogether where even the number of
            axes is unknown.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        """For messages: name, kind and shape."""
        if self.shape is None:
            return f"{self.name!r} {self.kind} of unknown shape"
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"{self.name!r} {self.kind} [{sizes}]"

    @property
    def fixed_batch(self) -> int | None:
        """How many frames it takes at a time; None for any number."""
        return self.shape[0] if self.shape else None


def choose(tensors: Sequence[ForeignTensor], wanted: str | None, kind: str) -> ForeignTensor:
    """The one that is there, or the one named.

    Args:
        tensors: All there are.
        wanted: What the option says.
        kind: `input` or `output`, for messages.

    Raises:
        ValueError: When there is none, several and no name, or none of that name.
    """
    listed = "; ".join(map(str, tensors)) or "none"
    if wanted is not None:
        for tensor in tensors:
            if tensor.name == wanted:
                return tensor
        raise ValueError(
            f"expected an {kind} {wanted!r} of the graph, received {listed}; "
            f"give one of these to --{kind}-name"
        )
    if len(tensors) != 1:
        raise ValueError(
            f"expected one {kind} of the graph, received {listed}; name the one that "
            f"{'takes frames' if kind == 'input' else 'is the embedding'} with --{kind}-name"
        )
    return tensors[0]


def frame_size(tensor: ForeignTensor, wanted: ForeignInput) -> tuple[int, int]:
    """Height and width of the frames that the input takes.

    Raises:
        ValueError: When the input is not of four axes with three channels where the layout says,
            or leaves the size open and nobody gave one, or has another size than was given.
    """
    shape, layout = tensor.shape, wanted.layout
    if shape is not None and (len(shape) != 4 or shape[_CHANNEL_AXIS[layout]] not in (3, None)):
        fits = [
            other
            for other, axis in _CHANNEL_AXIS.items()
            if len(shape) == 4 and shape[axis] in (3, None)
        ]
        remedy = f"say --input-layout {fits[0]}" if fits else "import a graph of RGB or BGR frames"
        raise ValueError(
            f"expected an input of four axes with 3 channels on axis {_CHANNEL_AXIS[layout]} "
            f"for layout {layout}, received {tensor}; {remedy}"
        )
    row = _ROW_AXIS[layout]
    stated = (None, None) if shape is None else (shape[row], shape[row + 1])
    size = wanted.size or stated
    height, width = size
    if height is None or width is None:
        raise ValueError(
            f"expected a size of frames, received {tensor}, which leaves it open; "
            "say --size HEIGHTxWIDTH, that with which it was trained"
        )
    if any(one is not None and one != own for one, own in zip(stated, size, strict=True)):
        raise ValueError(
            f"expected frames of the graph's own size, received --size {height}x{width} for "
            f"{tensor}; leave --size out"
        )
    if not all(LEAST_SIDE <= side <= MOST_SIDE for side in (height, width)):
        raise ValueError(
            f"expected frames of {LEAST_SIDE} to {MOST_SIDE} pixels a side, received "
            f"{height}x{width} of {tensor}; check --size and --input-layout"
        )
    return height, width
