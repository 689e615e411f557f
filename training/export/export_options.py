"""What a person chooses of an export."""

import re
from typing import Literal

from training.frozen_model import FrozenModel

WeightsStorage = Literal["fp16", "fp32"]


class ExportOptions(FrozenModel):
    """How the graph of an artifact is made from a network.

    Attributes:
        input_size: Rows and columns of the frames that the graph takes; inside, they are resized to
            the network's own. None takes frames of the network's own size.
        weights_storage: What weights are stored as. They are computed with in single precision
            either way; `fp16` halves the file.
    """

    input_size: tuple[int, int] | None = None
    weights_storage: WeightsStorage = "fp16"


def parse_size(text: str | None) -> tuple[int, int] | None:
    """`HxW`, as 384x192, → rows and columns.

    Raises:
        ValueError: When it is written otherwise, or frames are too small or too large to draw.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,4})[xX×](\d{1,4})", text)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (32 <= size[0] <= 4096 and 16 <= size[1] <= 4096):
        raise ValueError(
            "expected a size of frames as HxW, 32 to 4096 rows and 16 to 4096 columns, "
            f"received {text!r}; write 256x128 for 256 rows and 128 columns"
        )
    return size
