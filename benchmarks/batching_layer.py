"""What the batching layer costs: items a second beside the raw loop, and milliseconds it adds.

    python -m benchmarks.batching_layer

The raw loop gives ready batches of the largest size to each backend from a thread of its own. It is
measured in turns with the batcher, because the speed of a machine drifts; ratios are of medians.
A made device sleeps and so leaves the cores free, as a GPU does; the real graph runs in ONNX
Runtime on the CPU, in as many lanes of one thread as there are cores. The event
loop is that of the service.
"""

import argparse
import asyncio
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import onnxruntime
import uvloop
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from model.manifest import load_manifest
from service.batching.backend import Backend
from service.batching.batcher import Batcher
from service.batching.options import BatcherOptions
from service.batching.request import Features, Items
from service.cpu_count import usable_cores

CLIENTS = 64
FRAMES = 8
"""Of each call: a tracklet as clients send them."""


@dataclass(frozen=True)
class LayerCost:
    """The layer on one kind of backend.

    Attributes:
        ratio_64: Items a second of 64 clients over those of the raw loop.
        added_ms_1: Milliseconds a call by one client takes more than the backend's own run.
        bare_round_trip_ms: The same of a queue, one thread and a future, with nothing between: what
            waking two threads costs on this machine, measured in the same turns.
    """

    raw_items_per_s: float
    batcher_items_per_s: float
    ratio_64: float
    raw_ms_1: float
    batcher_ms_1: float
    added_ms_1: float
    bare_round_trip_ms: float
    batch: int
    lanes: int


@dataclass(frozen=True)
class Setup:
    """Backends to measure, and how they are batched."""

    backends: Sequence[Backend]
    options: BatcherOptions
    item_shape: tuple[int, ...]


@dataclass(frozen=True)
class Latencies:
    """Milliseconds of one run, and of it by a bare thread and by the batcher."""

    run: float
    bare: float
    call: float


class SleepingDevice:
    """Takes a fixed time and some for each row, without a core: as a GPU does."""

    name = "sleeping"
    precision = "fp32"

    def __init__(self, *, run_s: float = 1.5e-3, row_s: float = 0.1e-3) -> None:
        self._run_s = run_s
        self._row_s = row_s

    def run(self, items: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Zeros [n, 512]."""
        time.sleep(self._run_s + self._row_s * len(items))
        return np.zeros((len(items), 512), np.float32)

    def close(self) -> None:
        """Nothing is held."""


class GraphOnCpu:
    """An artifact's graph in ONNX Runtime on one thread."""

    name = "onnxruntime"
    precision = "fp32"

    def __init__(self, artifact: Path) -> None:
        manifest = load_manifest(artifact)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(artifact / manifest.graph.file), options, providers=["CPUExecutionProvider"]
        )
        self._input = manifest.input.name

    def run(self, items: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features [n, d] of frames."""
        features: NDArray[np.float32] = self._session.run(None, {self._input: items})[0]
        return features

    def close(self) -> None:
        """The session is freed with the object."""


def sleeping_setup() -> Setup:
    """A device of batches of 32, fetched ahead."""
    sizes = (8, 16, 24, 32)
    return Setup([SleepingDevice()], BatcherOptions(sizes, prefetch=True), (256, 128, 3))


def graph_setup(artifact: Path, *, batch: int = 4) -> Setup:
    """One lane a core, as the service runs the graph on a CPU."""
    preprocessing = load_manifest(artifact).preprocessing
    return Setup(
        [GraphOnCpu(artifact) for _ in range(usable_cores())],
        BatcherOptions(tuple(range(1, batch + 1))),
        (preprocessing.height, preprocessing.width, 3),
    )


def measure(setup: Setup, *, seconds: float, rounds: int, advance: Callable[[], None]) -> LayerCost:
    """Raw loop and batcher in turns; medians over `rounds`."""
    batch = setup.options.batch_sizes[-1]
    random = np.random.default_rng(0)
    ready = random.integers(0, 256, (batch, *setup.item_shape), dtype=np.uint8)
    raw, batched, turns = [], [], []
    for _ in range(rounds):
        raw.append(raw_items_per_s(setup.backends, ready, seconds))
        batched.append(uvloop.run(batched_items_per_s(setup, seconds)))
        turns.append(uvloop.run(latencies_ms(setup, seconds)))
        advance()
    raw_median, batched_median = statistics.median(raw), statistics.median(batched)
    return LayerCost(
        raw_items_per_s=round(raw_median, 1),
        batcher_items_per_s=round(batched_median, 1),
        ratio_64=round(batched_median / raw_median, 4),
        raw_ms_1=round(statistics.median(turn.run for turn in turns), 3),
        batcher_ms_1=round(statistics.median(turn.call for turn in turns), 3),
        added_ms_1=round(statistics.median(turn.call - turn.run for turn in turns), 3),
        bare_round_trip_ms=round(statistics.median(turn.bare - turn.run for turn in turns), 3),
        batch=batch,
        lanes=len(setup.backends),
    )


def raw_items_per_s(backends: Sequence[Backend], ready: NDArray[np.uint8], seconds: float) -> float:
    """Of all backends together, each called again and again by a thread of its own."""
    counts = [0] * len(backends)
    started_s = time.perf_counter()

    def loop(place: int) -> None:
        while time.perf_counter() - started_s < seconds:
            backends[place].run(ready)
            counts[place] += len(ready)

    threads = [threading.Thread(target=loop, args=(place,)) for place in range(len(backends))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started_s)


async def batched_items_per_s(setup: Setup, seconds: float) -> float:
    """Of 64 clients that each call again as soon as they are answered."""
    batcher = Batcher(setup.backends, setup.options)
    batcher.start()
    items = np.zeros((FRAMES, *setup.item_shape), np.uint8)
    done = 0
    started_s = time.perf_counter()

    async def client() -> None:
        nonlocal done
        while time.perf_counter() - started_s < seconds:
            await batcher.features(items)
            done += len(items)

    try:
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return done / (time.perf_counter() - started_s)
    finally:
        await asyncio.to_thread(batcher.stop)


async def latencies_ms(setup: Setup, seconds: float) -> Latencies:
    """Medians of one run of the first backend, and of one client's call of it, in turns."""
    backend = setup.backends[0]
    batcher = Batcher([backend], setup.options)
    bare = _BareThread(backend)
    batcher.start()
    size = min(FRAMES, setup.options.batch_sizes[-1])
    items = np.zeros((size, *setup.item_shape), np.uint8)
    runs: list[float] = []
    bares: list[float] = []
    calls: list[float] = []
    until_s = time.perf_counter() + seconds
    try:
        while time.perf_counter() < until_s:
            moments = [time.perf_counter()]
            backend.run(items)
            moments.append(time.perf_counter())
            await bare.features(items)
            moments.append(time.perf_counter())
            await batcher.features(items)
            moments.append(time.perf_counter())
            for times, (start_s, end_s) in zip(
                (runs, bares, calls), pairwise(moments), strict=True
            ):
                times.append(end_s - start_s)
    finally:
        bare.stop()
        await asyncio.to_thread(batcher.stop)
    return Latencies(*(1e3 * statistics.median(times) for times in (runs, bares, calls)))


_Asked = tuple[Items, asyncio.Future[Features]]


class _BareThread:
    """The least that takes a call to another thread and its answer back."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._answer_all, daemon=True)
        self._thread.start()

    async def features(self, items: Items) -> Features:
        """One run."""
        future: asyncio.Future[Features] = self._loop.create_future()
        self._asked.put((items, future))
        return await future

    def stop(self) -> None:
        """End the thread."""
        self._asked.put(None)
        self._thread.join()

    def _answer_all(self) -> None:
        while (asked := self._asked.get()) is not None:
            items, future = asked
            self._loop.call_soon_threadsafe(future.set_result, self._backend.run(items))


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, default=Path("artifacts/dcct-light"))
    parser.add_argument("--seconds", type=float, default=2.0, help="per measurement")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    setups = {"device": sleeping_setup(), "graph": graph_setup(arguments.artifact)}
    costs = {}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("measure", total=len(setups) * arguments.rounds)
        for name, setup in setups.items():
            costs[name] = measure(
                setup,
                seconds=arguments.seconds,
                rounds=arguments.rounds,
                advance=lambda: progress.advance(task),
            )
    json.dump({name: asdict(cost) for name, cost in costs.items()}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
