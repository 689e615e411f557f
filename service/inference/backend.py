"""What a runtime must offer to be batched."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Backend(Protocol):
    """A loaded graph. One thread calls it at a time."""

    @property
    def name(self) -> str:
        """Runtime and execution provider that really run, for `/model` and logs."""
        ...

    def run(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features float32 [n, d] of frames uint8 [n, h, w, 3]; row i depends on frame i alone."""
        ...
