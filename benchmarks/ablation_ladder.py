"""The ladder coupled → + CCA → + HTA → + KD on drawn people, over several seeds.

    python -m benchmarks.ablation_ladder --seeds 3

draws the people, trains the backbones that every rung starts from, trains each rung of
`training/configs/ladder` with each seed, and evaluates full and student features of the held-out
identities: every tracklet asks all others, same identity and same camera left out. What is done
already under `runs/ladder` is not done again.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.held_out_identities import compare_held_out
from training.config import TrainingConfig, load_config
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501
from training.evaluation.compare import ComparisonSettings
from training.train_run import train_run

CONFIGS = Path("training/configs/ladder")
PRETRAINING = "pretraining"
RUNGS = ("coupled", "cca", "hta", "kd")


@dataclass(frozen=True)
class People:
    """Who is drawn for a configuration: what `reid-train data synthesize` would draw."""

    seed: int
    identities: int
    cameras: int
    frames: int

    def draw(self, root: Path, progress: Progress) -> None:
        """Write them under `root` in Market-1501's layout, unless they are there."""
        if root.exists():
            return
        task = progress.add_task(f"draw {root.name}", total=None)
        write_market1501(
            SyntheticWorld(seed=self.seed, identities=self.identities, cameras=self.cameras),
            root,
            frames=self.frames,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )


PEOPLE = {
    PRETRAINING: People(seed=8, identities=400, cameras=4, frames=4),
    **dict.fromkeys(RUNGS, People(seed=7, identities=240, cameras=4, frames=8)),
}


@dataclass(frozen=True)
class Outcome:
    """What one feature of one rung reached with one seed, in percent."""

    rung: str
    seed: int
    feature: str
    rank_1: float
    mean_average_precision: float


@dataclass(frozen=True)
class Row:
    """A feature of a rung over its seeds, in percent; the spread is the sample deviation."""

    rung: str
    feature: str
    seeds: int
    rank_1: float
    rank_1_std: float
    mean_average_precision: float
    mean_average_precision_std: float


def climb(
    rungs: Sequence[str], seeds: Sequence[int], configs: Path, progress: Progress
) -> list[Outcome]:
    """Train and judge every rung with every seed, after the backbones they start from."""
    start = load_config(configs / f"{PRETRAINING}.yaml")
    PEOPLE[PRETRAINING].draw(start.data.root.parent, progress)
    train_run(start, progress)
    outcomes = []
    for rung in rungs:
        config = load_config(configs / f"{rung}.yaml")
        PEOPLE[rung].draw(config.data.root.parent, progress)
        for seed in seeds:
            outcomes.extend(_train_and_judge(rung, _with_seed(config, seed), progress))
    return outcomes


def judge(rung: str, seed: int, weights: Path, data: TrainingConfig) -> list[Outcome]:
    """Every feature of trained weights on the identities that `data` holds out."""
    methods = compare_held_out(weights, data, ComparisonSettings(baseline=False))
    return [
        Outcome(rung, seed, feature, method.rank_1, method.mean_average_precision)
        for feature, method in methods.items()
    ]


def summarize(outcomes: Sequence[Outcome]) -> list[Row]:
    """Mean and spread of every feature of every rung over the seeds, in the order met."""
    keys = dict.fromkeys((outcome.rung, outcome.feature) for outcome in outcomes)
    rows = []
    for rung, feature in keys:
        same = [o for o in outcomes if (o.rung, o.feature) == (rung, feature)]
        rank_1 = [outcome.rank_1 for outcome in same]
        precision = [outcome.mean_average_precision for outcome in same]
        rows.append(
            Row(
                rung=rung,
                feature=feature,
                seeds=len(same),
                rank_1=statistics.mean(rank_1),
                rank_1_std=_spread(rank_1),
                mean_average_precision=statistics.mean(precision),
                mean_average_precision_std=_spread(precision),
            )
        )
    return rows


def _with_seed(config: TrainingConfig, seed: int) -> TrainingConfig:
    run_dir = config.run_dir.with_name(f"{config.run_dir.name}-seed-{seed}")
    return config.model_copy(update={"seed": seed, "run_dir": run_dir})


def _train_and_judge(rung: str, config: TrainingConfig, progress: Progress) -> list[Outcome]:
    summary = train_run(config, progress)
    return judge(rung, config.seed, summary.weights, config)


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def print_rows(rows: Sequence[Row], console: Console) -> None:
    """Write the ladder as a table."""
    table = Table(title="ladder on drawn people: mean ± standard deviation over seeds, percent")
    for heading in ("rung", "feature", "seeds", "rank-1", "mAP"):
        table.add_column(heading, justify="left" if heading in {"rung", "feature"} else "right")
    for row in rows:
        table.add_row(
            row.rung,
            row.feature,
            str(row.seeds),
            f"{row.rank_1:.2f} ± {row.rank_1_std:.2f}",
            f"{row.mean_average_precision:.2f} ± {row.mean_average_precision_std:.2f}",
        )
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument("--rung", action="append", choices=RUNGS, help="repeatable; all without")
    parser.add_argument("--configs", type=Path, default=CONFIGS, help="folder of the rungs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with Progress(console=Console(file=sys.stderr)) as progress:
        outcomes = climb(options.rung or RUNGS, range(options.seeds), options.configs, progress)
    rows = summarize(outcomes)
    if options.json:
        content = {
            "rows": [asdict(row) for row in rows],
            "outcomes": [asdict(outcome) for outcome in outcomes],
        }
        print(json.dumps(content, indent=2))
    else:
        print_rows(rows, Console())


if __name__ == "__main__":
    main()
