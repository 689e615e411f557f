"""Frames a second through `POST /embed` beside raw ONNX Runtime at its best batch, in one run.

    python -m benchmarks.embed_throughput

The machine's speed drifts, so raw and served throughput are measured in turns and the ratio is
that of the medians. Raw means `InferenceSession.run` on ready pixels with the service's number of
threads: no HTTP, no decoding, no pooling. Client and service share the machine's cores.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from benchmarks.running_service import running_service
from model.manifest import load_manifest
from service.cpu_count import usable_cores

BATCHES = (1, 2, 4, 8, 16, 32)
CONCURRENCIES = (1, 16)


@dataclass(frozen=True)
class Throughput:
    """Frames a second; keys of the dictionaries are concurrencies."""

    raw_frames_per_s: float
    http_frames_per_s: dict[str, float]
    ratio: dict[str, float]
    raw_best_batch: int
    frames_per_tracklet: int
    cores: int


class RawRuntime:
    """The artifact's graph in ONNX Runtime, nothing around it."""

    def __init__(self, artifact: Path) -> None:
        manifest = load_manifest(artifact)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        self._session = onnxruntime.InferenceSession(
            str(artifact / manifest.graph.file), options, providers=["CPUExecutionProvider"]
        )
        self._input = manifest.input.name
        size = (max(BATCHES), manifest.preprocessing.height, manifest.preprocessing.width, 3)
        self._frames: NDArray[np.uint8] = np.random.default_rng(0).integers(
            0, 256, size, dtype=np.uint8
        )

    def frames_per_s(self, batch: int, seconds: float) -> float:
        """Throughput of calls with `batch` frames over about `seconds`."""
        feed = {self._input: self._frames[:batch]}
        self._session.run(None, feed)
        started, frames = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - started) < seconds:
            self._session.run(None, feed)
            frames += batch
        return frames / elapsed


async def http_frames_per_s(
    url: str, tracklets: Sequence[Sequence[bytes]], *, concurrency: int, seconds: float
) -> float:
    """Throughput of `concurrency` clients that each send the next tracklet after an answer."""
    frames = 0
    limits = httpx.Limits(max_connections=concurrency)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        started = time.perf_counter()

        async def ask(first: int) -> None:
            nonlocal frames
            turn = first
            while time.perf_counter() - started < seconds:
                tracklet = tracklets[turn % len(tracklets)]
                parts = [("frames", (f"{i}.jpg", data)) for i, data in enumerate(tracklet)]
                answer = await client.post("/embed?encoding=base64", files=parts)
                answer.raise_for_status()
                frames += answer.json()["frames"]["used"]
                turn += concurrency

        await asyncio.gather(*(ask(first) for first in range(concurrency)))
        return frames / (time.perf_counter() - started)


def measure(artifact: Path, samples: Path, *, seconds: float, rounds: int) -> Throughput:
    """Raw and served throughput in turns; medians over `rounds`."""
    tracklets = [
        [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
        for folder in sorted(samples.iterdir())
    ]
    raw = RawRuntime(artifact)
    console = Console(stderr=True)
    with running_service(artifact) as service, Progress(console=console) as progress:
        task = progress.add_task("measure", total=len(BATCHES) + rounds * (1 + len(CONCURRENCIES)))
        by_batch: dict[int, float] = {}
        for batch in BATCHES:
            by_batch[batch] = raw.frames_per_s(batch, seconds / 2)
            progress.advance(task)
        best = max(by_batch, key=lambda batch: by_batch[batch])
        raw_rounds: list[float] = []
        http_rounds: dict[int, list[float]] = {concurrency: [] for concurrency in CONCURRENCIES}
        for _ in range(rounds):
            raw_rounds.append(raw.frames_per_s(best, seconds))
            progress.advance(task)
            for concurrency, measured in http_rounds.items():
                served = http_frames_per_s(
                    service.url, tracklets, concurrency=concurrency, seconds=seconds
                )
                measured.append(asyncio.run(served))
                progress.advance(task)
    raw_median = statistics.median(raw_rounds)
    http = {str(c): statistics.median(measured) for c, measured in http_rounds.items()}
    return Throughput(
        raw_frames_per_s=round(raw_median, 2),
        http_frames_per_s={key: round(value, 2) for key, value in http.items()},
        ratio={key: round(value / raw_median, 3) for key, value in http.items()},
        raw_best_batch=best,
        frames_per_tracklet=len(tracklets[0]),
        cores=usable_cores(),
    )


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, default=Path("artifacts/dcct-light"))
    parser.add_argument("--samples", type=Path, default=Path("samples/gallery"))
    parser.add_argument("--seconds", type=float, default=5.0, help="per measurement")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    measured = measure(
        arguments.artifact, arguments.samples, seconds=arguments.seconds, rounds=arguments.rounds
    )
    json.dump(asdict(measured), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
