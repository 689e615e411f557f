"""The graph in ONNX Runtime with nothing around it: the most that a service can reach."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.manifest import load_manifest

BATCHES = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class Sessions:
    """How many sessions run at a time, each with so many threads."""

    count: int
    threads: int

    def __str__(self) -> str:
        return f"{self.count}x{self.threads}"


class RawRuntime:
    """Sessions of one graph that run ready pixels, each in a thread of its own.

    Args:
        artifact: Whose graph.
        sessions: How many, and their threads.
    """

    def __init__(self, artifact: Path, sessions: Sessions) -> None:
        manifest = load_manifest(artifact)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = sessions.threads
        self._sessions = [
            onnxruntime.InferenceSession(
                str(artifact / manifest.graph.file), options, providers=["CPUExecutionProvider"]
            )
            for _ in range(sessions.count)
        ]
        self._input = manifest.input.name
        size = (max(BATCHES), manifest.preprocessing.height, manifest.preprocessing.width, 3)
        self._frames: NDArray[np.uint8] = np.random.default_rng(0).integers(
            0, 256, size, dtype=np.uint8
        )

    def frames_per_s(self, batch: int, seconds: float) -> float:
        """Throughput of calls with `batch` frames over about `seconds`."""
        feed = {self._input: self._frames[:batch]}

        def rate(session: onnxruntime.InferenceSession) -> float:
            session.run(None, feed)
            started_s, frames = time.perf_counter(), 0
            while (elapsed_s := time.perf_counter() - started_s) < seconds:
                session.run(None, feed)
                frames += batch
            return frames / elapsed_s

        with ThreadPoolExecutor(len(self._sessions)) as threads:
            return sum(threads.map(rate, self._sessions))


@dataclass(frozen=True, slots=True)
class BestRaw:
    """The fastest way found to run the graph with these sessions."""

    runtime: RawRuntime
    sessions: Sessions
    batch: int

    def frames_per_s(self, seconds: float) -> float:
        """Throughput over about `seconds`."""
        return self.runtime.frames_per_s(self.batch, seconds)


def best_batch(artifact: Path, sessions: Sessions, *, seconds: float) -> BestRaw:
    """Try every batch for `seconds` and keep the fastest."""
    runtime = RawRuntime(artifact, sessions)
    rates = {batch: runtime.frames_per_s(batch, seconds) for batch in BATCHES}
    return BestRaw(runtime, sessions, max(rates, key=lambda batch: rates[batch]))
