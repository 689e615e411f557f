"""What batching needs of whatever runs the model, and the failures that it tells apart."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Backend(Protocol):
    """Runs the graph; only the thread that owns it calls `run`."""

    @property
    def name(self) -> str:
        """Runtime and device that really run, for example `onnxruntime/CPUExecutionProvider`."""
        ...

    @property
    def precision(self) -> str:
        """In which the graph really runs: fp32, fp16, bf16 or int8."""
        ...

    def run(self, items: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features [n, d] of frames [n, h, w, 3], or of clips [n, t, h, w, 3].

        They are in an array of their own, since they are read while the next batch is computed;
        `items` is written to again after the call.

        Raises:
            BackendOutOfMemory: When so many do not fit; fewer may.
            BackendLost: When nothing will ever run again in this process.
            Exception: Whatever else the runtime raises, on these items.
        """
        ...

    def close(self) -> None:
        """Give memory and device back; nothing runs after it."""
        ...


class BackendOutOfMemory(Exception):
    """The batch does not fit into the device's memory; a smaller one may."""


class BackendLost(Exception):
    """The device or its context is broken for good: only a new process can go on."""
