"""Trains variants of one configuration within the same budget, and judges what each reached.

    python -m benchmarks.training_variants VARIANTS --root MARKET

with VARIANTS like training/configs/market-light.variants.yaml.

The file names the configuration they all change, the steps that each gets, and the `changes` of
each, in the words of `reid-train train --set`. A JSON line a variant is printed, with its figures
on the held-out identities: what a model card's `ablation` reads. Variants already trained under
the run directory are not trained again.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError
from rich.console import Console
from rich.progress import Progress

from benchmarks.held_out_identities import judge_held_out
from training.config import load_config, override_paths
from training.frozen_model import FrozenModel
from training.train_run import train_run


class Variant(FrozenModel):
    """One change, or several, to the configuration.

    Attributes:
        name: What the card says of it.
        folder: Of its run, under that of all.
        changes: `key=value`, over those that all variants have.
    """

    name: Annotated[str, Field(min_length=1)]
    folder: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    changes: tuple[str, ...] = ()


class Variants(FrozenModel):
    """What is compared.

    Attributes:
        config: The configuration they change; relative to the file that names it.
        steps: That each is trained for.
        run_dir: Folder of all runs.
        changes: Of every variant, in words of `--set`.
        variants: In the order of the table.
    """

    config: Path
    steps: Annotated[int, Field(ge=1)]
    run_dir: Path
    changes: tuple[str, ...] = ()
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a variant reached on the held-out identities, in percent."""

    name: str
    budget: str
    rank_1: float
    mean_average_precision: float


def read_variants(path: Path) -> Variants:
    """The file of variants.

    Raises:
        ValueError: When it is missing, or says something else.
    """
    try:
        return Variants.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ValueError(
            f"expected config, steps, run_dir and variants in {path}, received: {error}; see "
            "training/configs/market-light.variants.yaml"
        ) from error


def compare_variants(path: Path, root: Path | None, progress: Progress) -> Iterator[Outcome]:
    """Train and judge one after the other.

    Raises:
        ValueError, OSError, TrainingInterruptedError: As `read_variants`, `load_config`,
            `train_run` and `judge_held_out` do.
    """
    compared = read_variants(path)
    budget = ("optimizer.epochs=1", f"optimizer.steps_per_epoch={compared.steps}")
    for variant in compared.variants:
        changes = (*compared.changes, *variant.changes, *budget)
        config = override_paths(
            load_config(path.parent / compared.config, changes),
            root=root,
            run_dir=compared.run_dir / variant.folder,
        )
        reached = judge_held_out(train_run(config, progress).weights, config)
        frames = config.clips.frames_per_batch
        size = f"{config.model.height}×{config.model.width}"
        spent = f"{compared.steps} steps of {frames} frames, {size}"
        yield Outcome(variant.name, spent, reached.rank_1, reached.mean_average_precision)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", type=Path)
    parser.add_argument("--root", type=Path, help="instead of data.root")
    options = parser.parse_args(arguments)
    with Progress(console=Console(file=sys.stderr)) as progress:
        for outcome in compare_variants(options.variants, options.root, progress):
            print(json.dumps(asdict(outcome), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
