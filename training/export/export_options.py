"""What a person chooses of an export."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from training.export.gate import Precision
from training.frozen_model import FrozenModel

WeightsStorage = Literal["fp16", "fp32"]


class ExportOptions(FrozenModel):
    """How the graph of an artifact is made from a network.

    Attributes:
        input_size: Rows and columns of the frames that the graph takes; inside, they are resized to
            the network's own. None takes frames of the network's own size.
        precision: What the graph computes in; the gate holds a reduced one against the network in
            single precision.
        weights_storage: What the weights of a graph in single precision are stored as. They are
            computed with as float32 either way; `fp16` halves the file.
        calibration: For `int8`: a folder of images, each folder in it one tracklet, or a manifest
            of tracklets. They tell the ranges of activations; without them convolutions stay in
            single precision.
    """

    input_size: tuple[int, int] | None = None
    precision: Precision = "fp32"
    weights_storage: WeightsStorage = "fp16"
    calibration: Path | None = None

    @model_validator(mode="after")
    def _calibration_is_used(self) -> Self:
        if self.calibration is not None and self.precision != "int8":
            raise ValueError(
                f"expected calibration frames with precision int8 alone, received some with "
                f"{self.precision}; leave them out, or choose int8"
            )
        return self


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
