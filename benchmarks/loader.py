"""Frames a second of decoding and augmentation, as ratios to a single-thread Pillow loop.

    python -m benchmarks.loader
    python -m benchmarks.loader --data mars --root .../bbox_train

The loop decodes, resizes and augments the same clips one frame after the other, with Pillow for
decoding; its batches are equal to the loader's bit for bit, which is checked. Everything runs once
a round, in turns, since the machine's speed drifts; medians are compared. Files are in the
operating system's memory after the warm-up round. A cold cache keeps decoded frames but begins
with none each round, a warm one has them from earlier rounds. Cores busy: processor time over time,
as far as other programs leave any; frames per second of processor time hardly depend on those.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from training.data.batch_sampler import batch_sampler
from training.data.catalogue import CATALOGUE, read_data_set
from training.data.clip_config import AugmentationConfig, ClipConfig
from training.data.clip_dataset import ClipDataset, ClipRequest
from training.data.clip_loader import ClipLoader
from training.data.frame_sampling import FRAME_SAMPLERS
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501
from training.data.tracklet import Tracklet
from training.data.transforms import ClipTransform

BASELINE = "Pillow loop"
THREADS = (0, 1, 2)
DRAWN = {"identities": 10, "cameras": 3}
_CACHE_MIB = 2048

Batches = Sequence[Sequence[ClipRequest]]
Drawing = Callable[[], Iterator[torch.Tensor]]


@dataclass(frozen=True)
class LoaderRate:
    """Medians of one way to make batches, and how many times faster than the loop it is."""

    name: str
    frames_per_s: float
    speedup: float
    cores_busy: float
    frames_per_core_s: float
    core_speedup: float


@dataclass(frozen=True)
class Measurement:
    """Everything one run measured, and of what."""

    data: str
    size: tuple[int, int]
    batches: int
    frames_per_batch: int
    rounds: int
    rows: tuple[LoaderRate, ...]


class Work:
    """The same batches of clips, made in any of several ways."""

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        *,
        size: tuple[int, int],
        clips: ClipConfig,
        batches: int,
    ) -> None:
        self._tracklets = tracklets
        self._size = size
        self._clips = clips
        self._batches = list(islice(batch_sampler(tracklets, clips, seed=0), batches))

    @property
    def frames(self) -> int:
        """Frames of all batches together."""
        return sum(map(len, self._batches)) * self._clips.frames

    def ways(self) -> dict[str, Drawing]:
        """Name → a pass over all batches; the loop comes first."""
        plain, warm = self._dataset(cache_mib=0), self._dataset(cache_mib=_CACHE_MIB)
        drawings: dict[str, Drawing] = {BASELINE: self._pillow_loop}
        for threads in THREADS:
            drawings[_named(threads, "no cache")] = self._loading(lambda: plain, threads)
            drawings[_named(threads, "cold cache")] = self._loading(
                lambda: self._dataset(cache_mib=_CACHE_MIB), threads
            )
            drawings[_named(threads, "warm cache")] = self._loading(lambda: warm, threads)
        return drawings

    def _dataset(self, *, cache_mib: int) -> ClipDataset:
        return ClipDataset(
            self._tracklets,
            size=self._size,
            clips=self._clips.model_copy(update={"cache_mib": cache_mib}),
            augmentation=AugmentationConfig(),
        )

    def _loading(self, dataset: Callable[[], ClipDataset], threads: int) -> Drawing:
        def drawing() -> Iterator[torch.Tensor]:
            for clips in ClipLoader(dataset(), self._batches, threads=threads):
                yield clips.frames

        return drawing

    def _pillow_loop(self) -> Iterator[torch.Tensor]:
        sample = FRAME_SAMPLERS[self._clips.frame_sampling]
        transform = ClipTransform(AugmentationConfig())
        height, width = self._size
        for requests in self._batches:
            batch = torch.empty(len(requests), self._clips.frames, 3, height, width)
            for request, out in zip(requests, batch.numpy(), strict=True):
                generator = np.random.default_rng(request.seed)
                paths = self._tracklets[request.tracklet].frames
                positions = sample(len(paths), self._clips.frames, generator)
                frames = []
                for position in positions:
                    with Image.open(paths[position]) as image:
                        rgb = image.convert("RGB")
                    resized = rgb.resize((width, height), Image.Resampling.BILINEAR)
                    frames.append(np.asarray(resized))
                transform(frames, generator, out)
            yield batch


def measure(work: Work, *, data: str, rounds: int, progress: Progress) -> Measurement:
    """Time every way; a round that warms up, and checks that all ways agree, comes before.

    Raises:
        RuntimeError: When a way gives other pixels than the loop.
    """
    ways = work.ways()
    task = progress.add_task("warm up", total=len(ways) * (rounds + 1))
    expected = list(ways[BASELINE]())
    for name, drawing in ways.items():
        if not all(map(torch.equal, expected, drawing())):
            raise RuntimeError(
                f"expected the pixels of the {BASELINE} from {name}, received others"
            )
        progress.advance(task)
    shape = expected[0].shape
    del expected
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, drawing in ways.items():
            progress.update(task, description=name)
            times[name].append(_seconds(drawing))
            progress.advance(task)
    return Measurement(
        data=data,
        size=(shape[-2], shape[-1]),
        batches=work.frames // (shape[0] * shape[1]),
        frames_per_batch=shape[0] * shape[1],
        rounds=rounds,
        rows=_rows(times, work.frames),
    )


def _named(threads: int, cache: str) -> str:
    counted = "1 thread" if threads == 1 else f"{threads} threads"
    return f"loader, {counted}, {cache}"


def _seconds(drawing: Drawing) -> tuple[float, float]:
    """Seconds of a pass over all batches, and of all cores together."""
    began_s, began_busy_s = time.perf_counter(), time.process_time()
    for _ in drawing():
        pass
    return time.perf_counter() - began_s, time.process_time() - began_busy_s


def _rows(times: dict[str, list[tuple[float, float]]], frames: int) -> tuple[LoaderRate, ...]:
    medians = {
        name: (statistics.median(s for s, _ in each), statistics.median(busy for _, busy in each))
        for name, each in times.items()
    }
    base_s, base_busy_s = medians[BASELINE]
    return tuple(
        LoaderRate(
            name=name,
            frames_per_s=frames / seconds,
            speedup=base_s / seconds,
            cores_busy=busy_s / seconds,
            frames_per_core_s=frames / busy_s,
            core_speedup=base_busy_s / busy_s,
        )
        for name, (seconds, busy_s) in medians.items()
    )


@contextmanager
def tracklets_of(data: str | None, root: Path | None) -> Iterator[tuple[str, list[Tracklet]]]:
    """What is measured, and its tracklets: of a data set, or of people drawn for the run."""
    if data is not None and root is not None:
        yield data, list(read_data_set(data, root).splits[0].train)
        return
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "drawn"
        world = SyntheticWorld(seed=1, **DRAWN)
        write_market1501(world, drawn, frames=8)
        yield "drawn people", list(read_data_set("market1501", drawn).splits[0].train)


def print_measurement(measured: Measurement, console: Console) -> None:
    """Write the table that people read."""
    height, width = measured.size
    table = Table(
        title=f"{measured.data} at {height} × {width}: {measured.batches} batches of "
        f"{measured.frames_per_batch} frames, medians of {measured.rounds} rounds"
    )
    for heading in ("", "frames/s", "× loop", "cores busy", "frames/core s", "× loop"):
        table.add_column(heading, justify="right" if heading else "left")
    for row in measured.rows:
        table.add_row(
            row.name,
            f"{row.frames_per_s:,.0f}",
            f"{row.speedup:.2f}",
            f"{row.cores_busy:.2f}",
            f"{row.frames_per_core_s:,.0f}",
            f"{row.core_speedup:.2f}",
        )
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", choices=sorted(CATALOGUE), help="layout of --root")
    parser.add_argument("--root", type=Path, help="default: people drawn for the run")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 128), help="height and width")
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--identities", type=int, default=8, help="of a batch, 2 clips of each")
    parser.add_argument("--frames", type=int, default=8, help="of a clip")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    options = parser.parse_args(arguments)
    if (options.data is None) != (options.root is None):
        parser.error("expected --data and --root together, received one of them")
    clips = ClipConfig(frames=options.frames, identities=options.identities)
    with (
        tracklets_of(options.data, options.root) as (data, tracklets),
        Progress(console=Console(stderr=True)) as progress,
    ):
        height, width = options.size
        work = Work(tracklets, size=(height, width), clips=clips, batches=options.batches)
        measured = measure(work, data=data, rounds=options.rounds, progress=progress)
    if options.json:
        json.dump(asdict(measured), sys.stdout, indent=2)
    else:
        print_measurement(measured, Console())


if __name__ == "__main__":
    main()
