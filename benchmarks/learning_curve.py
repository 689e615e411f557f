"""Trains a configuration, and judges it on its held-out identities as it learns.

    python -m benchmarks.learning_curve CONFIG --root MARKET --every 150

prints a JSON line for the weights that the run begins with, after every so many steps, and at its
end: `step`, `minutes` of training (judging left out), `rank_1` and `mean_average_precision` in
percent, of what would be exported. The same command goes on where it was interrupted, and says what
it had found before. Other options are those of `reid-train train`.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.held_out_identities import judge_held_out
from training.config import TrainingConfig, load_config, override_paths
from training.run_log import STEPS_FILE
from training.train_run import train_run

POINTS_FILE = "validations.jsonl"


@dataclass(frozen=True, slots=True)
class Point:
    """What a run had reached after so many steps; in percent.

    Attributes:
        step: How many were done.
        minutes: Spent on them, or None where the run's log does not say.
    """

    step: int
    minutes: float | None
    rank_1: float
    mean_average_precision: float


def learning_curve(config: TrainingConfig, every: int, progress: Progress) -> Iterator[Point]:
    """Every point, those of an interrupted call first; the run is trained as they are asked for.

    Raises:
        ValueError, OSError, TrainingInterruptedError: As `train_run` and `judge_held_out` do.
    """
    file = config.run_dir / POINTS_FILE
    known = _read(file)
    yield from known
    judged = max((point.step for point in known), default=0)
    if not known and config.initial_weights is not None:
        yield _judge(config.initial_weights, 0, config, file)
    trained = _steps_trained(config.run_dir)
    while True:
        summary = train_run(
            config, progress, stop_after_steps=0 if trained > judged else every - trained % every
        )
        if summary.steps <= judged:
            return
        judged = trained = summary.steps
        yield _judge(summary.weights, judged, config, file)


def _judge(weights: Path, step: int, config: TrainingConfig, file: Path) -> Point:
    reached = judge_held_out(weights, config)
    minutes = _minutes(config.run_dir, step, frames=config.clips.frames_per_batch)
    point = Point(step, minutes, reached.rank_1, reached.mean_average_precision)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(point)) + "\n")
    return point


def _read(file: Path) -> list[Point]:
    if not file.exists():
        return []
    return [Point(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def _log(run_dir: Path) -> dict[int, dict[str, float]]:
    """Of each step the last that the run's log says: one done again after a kill is there twice."""
    file = run_dir / STEPS_FILE
    if not file.exists():
        return {}
    lines = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    return {line["step"]: line for line in lines}


def _steps_trained(run_dir: Path) -> int:
    return max(_log(run_dir), default=-1) + 1


def _minutes(run_dir: Path, steps: int, *, frames: int) -> float:
    logged = _log(run_dir)
    return sum(frames / logged[step]["frames_per_s"] for step in range(steps)) / 60


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--root", type=Path, help="instead of data.root")
    parser.add_argument("--run-dir", type=Path, help="instead of run_dir")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--every", type=int, default=150, help="steps between two validations")
    options = parser.parse_args(arguments)
    config = override_paths(
        load_config(options.config, options.set), root=options.root, run_dir=options.run_dir
    )
    with Progress(console=Console(file=sys.stderr)) as progress:
        for point in learning_curve(config, options.every, progress):
            print(json.dumps(asdict(point)), flush=True)


if __name__ == "__main__":
    main()
