"""`reid-train matrix`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from training.commands.console import Json, errors_for_people, progress_bars
from training.commands.evaluation_options import (
    AveragePrecision,
    Cache,
    Device,
    FrameModeOption,
    FramesPerBatch,
    NoCache,
    PrecisionOption,
    SameCamera,
)

if TYPE_CHECKING:
    from training.evaluation.retrieval_task import TaskSet


def matrix(  # noqa: PLR0913  # each is an option
    *,
    weights: Annotated[list[str], typer.Option(help="NAME=weights.safetensors; give several.")],
    data: Annotated[
        list[str],
        typer.Option(
            help="DATA=ROOT, a name in the catalogue and its folder, or DATA:SPLIT=ROOT for one of "
            "its splits; give several."
        ),
    ],
    frames: FrameModeOption = "dense",
    ap: AveragePrecision = "standard",
    same_camera: SameCamera = "exclude",
    precision: PrecisionOption = "fp32",
    frames_per_batch: FramesPerBatch = 64,
    device: Device = "auto",
    cache: Cache = None,
    no_cache: NoCache = False,
    json: Json = False,
) -> None:
    """Rank-1 and mAP of every model on every data set, all their splits, under one protocol."""
    from training.device import choose_device
    from training.evaluation.compare import ComparisonSettings
    from training.evaluation.cross_domain import cross_domain_matrix, print_matrix
    from training.evaluation.evaluation import WeightsToJudge, default_cache
    from training.evaluation.ranking_rules import RankingRules
    from training.evaluation.tracklet_features import EmbeddingSettings

    with errors_for_people(), progress_bars() as progress:
        judged = cross_domain_matrix(
            {
                name: WeightsToJudge(
                    path,
                    choose_device(device),
                    cache=None if no_cache else cache or default_cache(path),
                )
                for name, path in _named_paths(weights, "--weights").items()
            },
            {name: _tasks(name, root) for name, root in _named_paths(data, "--data").items()},
            ComparisonSettings(
                embedding=EmbeddingSettings(mode=frames, frames_per_batch=frames_per_batch),
                precision=precision,
                rules=RankingRules(same_camera=same_camera, average_precision=ap),
            ),
            progress=progress,
        )
        progress.stop()
        if json:
            typer.echo(judged.model_dump_json(indent=2))
        else:
            print_matrix(judged, Console())


def _tasks(name: str, root: Path) -> "TaskSet":
    """All splits of a data set, or the one that is named behind a colon."""
    from training.data.catalogue import read_data_set
    from training.evaluation.retrieval_task import ALL_SPLITS, choose_tasks

    data_set, _, split = name.partition(":")
    return choose_tasks(read_data_set(data_set, root), split=split or ALL_SPLITS)


def _named_paths(given: list[str], option: str) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not (name and equals and path) or name in named:
            raise ValueError(
                f"expected {option} NAME=PATH with a name of its own, received {one!r}; "
                "name each once"
            )
        named[name] = Path(path)
    return named
