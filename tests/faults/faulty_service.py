"""`python -m service`, whose model and decoder fail on frames of certain colours; for tests only.

Everything else of it is the real service: sockets, threads, store and command line. Run as
`python -m tests.faults.faulty_service serve ...`, with `FAULTY_SERVICE` as JSON of `Faults`.
"""

import json
import os
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngImageFile

from model.manifest import FrameChoice
from service.batching import run_times
from service.batching.backend import Backend, BackendLost, BackendOutOfMemory
from service.batching.batcher import Batcher
from service.inference import embedder

VARIABLE = "FAULTY_SERVICE"
PROGRAM = "tests.faults.faulty_service"

POISON = (255, 0, 1)
"""The colour of frames on which the runtime raises."""
LOST = (255, 0, 2)
"""The colour of frames with which the device is lost."""
HANG = (255, 0, 3)
"""The colour of frames with which the runtime does not come back while `gate` is there."""
BREAKS_CODEC = (37, 41)
"""Width and height of the PNG with which the imaging library raises what it never should."""
BREAKS_DECODER = 13
"""So many frames of a tracklet make a thread of the decoder raise."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong.

    Attributes:
        run_s: Each batch takes so much longer.
        item_s: And so much longer for each item in it.
        out_of_memory_above: Larger batches do not fit; 0 for no limit.
        gate: While this file is there, a batch with a frame of the colour `HANG` goes on.
        out_of_memory_while_gate: While that file is there, nothing fits.
        stuck_after_s: A batch that takes longer counts as one that does not end.
    """

    run_s: float = 0.0
    item_s: float = 0.0
    out_of_memory_above: int = 0
    gate: str = ""
    out_of_memory_while_gate: bool = False
    stuck_after_s: float = 30.0

    def variables(self) -> dict[str, str]:
        """For the environment of the process."""
        return {VARIABLE: json.dumps(asdict(self))}


class FaultyBackend:
    """Fails as it is told to, and is the backend that it was given otherwise."""

    def __init__(self, backend: Backend, faults: Faults) -> None:
        self._backend = backend
        self._faults = faults

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def run(self, items: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of the items, or the failure that one of them is the colour of."""
        time.sleep(self._faults.run_s + self._faults.item_s * len(items))
        gate_is_there = bool(self._faults.gate) and Path(self._faults.gate).exists()
        too_many = 0 < self._faults.out_of_memory_above < len(items)
        if too_many or (self._faults.out_of_memory_while_gate and gate_is_there):
            raise BackendOutOfMemory(f"{len(items)} items")
        if _has_frame(items, HANG):
            while Path(self._faults.gate).exists():
                time.sleep(0.02)
        if _has_frame(items, POISON):
            raise RuntimeError("a poisoned frame")
        if _has_frame(items, LOST):
            raise BackendLost("the device fell off the bus")
        return self._backend.run(items)


def _has_frame(items: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    frames = items.reshape(-1, items.shape[-3] * items.shape[-2], 3)
    return bool((frames == np.array(colour, np.uint8)).all(axis=(1, 2)).any())


def install(faults: Faults) -> None:
    """Put the faults between the service and its runtime, imaging library and manifest."""

    class FaultyBatcher(Batcher):
        def __init__(self, backends, *given, **named):
            super().__init__([FaultyBackend(one, faults) for one in backends], *given, **named)

    embedder.Batcher = FaultyBatcher
    run_times._SHORTEST_S = faults.stuck_after_s
    load, indices = PngImageFile.load, FrameChoice.indices

    def load_or_break(picture: PngImageFile) -> object:
        if picture.size == BREAKS_CODEC:
            raise RuntimeError("a codec that broke")
        return load(picture)

    def indices_or_break(choice: FrameChoice, count: int) -> object:
        if count == BREAKS_DECODER and threading.current_thread().name.startswith("decode"):
            raise RuntimeError("a decoder that broke")
        return indices(choice, count)

    PngImageFile.load = load_or_break
    FrameChoice.indices = indices_or_break


if __name__ == "__main__":
    from service.__main__ import main

    install(Faults(**json.loads(os.environ.pop(VARIABLE, "{}"))))
    main()
