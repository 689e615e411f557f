"""`reid-train report`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import errors_for_people, progress_bars
from training.commands.evaluate import DataName
from training.commands.evaluation_options import (
    AveragePrecision,
    Cache,
    Device,
    FrameModeOption,
    FramesPerBatch,
    GalleryOption,
    NoCache,
    PrecisionOption,
    SameCamera,
)


def report(  # noqa: PLR0913  # each is an option
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a run.")],
    *,
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    output: Annotated[Path, typer.Option(help="HTML file to write.")],
    data: DataName = "market1501",
    split: Annotated[str | None, typer.Option(help="Which split, where there are several.")] = None,
    gallery: GalleryOption = "official",
    validation_identities: Annotated[
        int | None,
        typer.Option(min=1, help="Every tracklet of the last so many training identities asks."),
    ] = None,
    frames: FrameModeOption = "dense",
    ap: AveragePrecision = "standard",
    same_camera: SameCamera = "exclude",
    precision: PrecisionOption = "fp32",
    frames_per_batch: FramesPerBatch = 64,
    device: Device = "auto",
    cache: Cache = None,
    no_cache: NoCache = False,
    show: Annotated[
        str, typer.Option(help="Groups of queries, of worst, best and random, with commas.")
    ] = "worst,random",
    queries: Annotated[int, typer.Option(min=1, help="Ranked lists per group.")] = 6,
    top_k: Annotated[int, typer.Option(min=1, help="Ranks per list.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the random sample.")] = 0,
    pictures: Annotated[
        bool, typer.Option(help="Frames of people; without them names alone are shown.")
    ] = True,
) -> None:
    """Evaluate, and write one HTML file: tables, curves, thresholds, ranked lists of tracklets.

    Nothing in it is fetched from elsewhere. With pictures it is as private as the data set.
    """
    from training.data.catalogue import read_data_set
    from training.device import choose_device
    from training.evaluation.compare import ComparisonSettings
    from training.evaluation.evaluation import WeightsToJudge, default_cache, evaluate_weights
    from training.evaluation.ranking_rules import RankingRules
    from training.evaluation.retrieval_task import choose_tasks
    from training.evaluation.tracklet_features import EmbeddingSettings
    from training.visualize.evaluation_source import report_source
    from training.visualize.html_report import write_report
    from training.visualize.list_cards import ListOptions, parse_selections
    from training.visualize.page import require_page

    with errors_for_people(), progress_bars() as progress:
        require_page(output)
        options = ListOptions(
            selections=parse_selections(show),
            queries=queries,
            top_k=top_k,
            seed=seed,
            pictures=pictures,
        )
        tasks = choose_tasks(
            read_data_set(data, root),
            split=split,
            gallery=gallery,
            validation_identities=validation_identities,
        )
        kept = None if no_cache else cache or default_cache(weights)
        settings = ComparisonSettings(
            embedding=EmbeddingSettings(mode=frames, frames_per_batch=frames_per_batch),
            precision=precision,
            rules=RankingRules(same_camera=same_camera, average_precision=ap),
        )
        judged = WeightsToJudge(weights, choose_device(device), cache=kept)
        evaluation = evaluate_weights(judged, tasks, settings, progress=progress)
        progress.stop()
        write_report(output, report_source(evaluation), options)
        typer.echo(output)
