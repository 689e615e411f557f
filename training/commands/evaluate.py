"""`reid-train evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from training.commands.console import Json, errors, errors_for_people, progress_bars
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

if TYPE_CHECKING:
    from training.expected_result import ExpectedResult

DataName = Annotated[str, typer.Option("--data", help="Name in the catalogue of data sets.")]


def evaluate(  # noqa: PLR0913  # each is an option
    weights: Annotated[
        Path,
        typer.Argument(
            help="weights.safetensors of a run, or an artifact's directory; `{split}` in it: one "
            "per split."
        ),
    ],
    *,
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    data: DataName = "market1501",
    split: Annotated[
        str | None, typer.Option(help="Which split, or `all` for mean ± std over all of them.")
    ] = None,
    gallery: GalleryOption = "official",
    validation_identities: Annotated[
        int | None,
        typer.Option(min=1, help="Every tracklet of the last so many training identities asks."),
    ] = None,
    frames: FrameModeOption = "dense",
    features: Annotated[
        str | None,
        typer.Option(
            help="Names separated by commas: full, student, a part, or several joined by +; "
            "full and student unless named."
        ),
    ] = None,
    ap: AveragePrecision = "standard",
    same_camera: SameCamera = "exclude",
    query_expansion: Annotated[
        int | None, typer.Option(min=1, help="Average each query with so many of its nearest.")
    ] = None,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="k-reciprocal re-ranking; report it separately.")
    ] = False,
    open_set: Annotated[
        float | None,
        typer.Option(help="DIR@FAR, with this share of the people taken out of the gallery."),
    ] = None,
    open_set_seed: Annotated[int, typer.Option(min=0, help="Who is taken out.")] = 0,
    baseline: Annotated[bool, typer.Option(help="Colour histograms beside the model.")] = True,
    precision: PrecisionOption = "fp32",
    frames_per_batch: FramesPerBatch = 64,
    device: Device = "auto",
    cache: Cache = None,
    no_cache: NoCache = False,
    report: Annotated[
        Path | None,
        typer.Option(help="HTML page to write: curves and ranked lists with pictures of people."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="The recipe; what it expects is compared with, under its own protocol."),
    ] = None,
    json: Json = False,
) -> None:
    """CMC, mAP and mINP of a model's features beside the colour-histogram baseline.

    A data set without queries asks about itself: every tracklet against all others.
    """
    from training.data.catalogue import read_data_set
    from training.device import choose_device
    from training.evaluation.compare import ComparisonSettings
    from training.evaluation.evaluation import WeightsToJudge, default_cache, evaluate_weights
    from training.evaluation.open_set import require_share
    from training.evaluation.open_set_report import report_open_set
    from training.evaluation.ranking_rules import RankingRules
    from training.evaluation.report_table import print_report
    from training.evaluation.reproduction import compare_with_expected
    from training.evaluation.retrieval_task import choose_tasks
    from training.evaluation.tracklet_features import EmbeddingSettings
    from training.visualize.evaluation_source import report_source
    from training.visualize.html_report import write_report
    from training.visualize.page import require_page

    with errors_for_people(), progress_bars() as progress:
        # What can be refused now is not refused after hours.
        expected = None if config is None else _expected_result(config)
        if open_set is not None:
            require_share(open_set)
        if report is not None:
            require_page(report)
        tasks = choose_tasks(
            read_data_set(data, root),
            split=split,
            gallery=gallery,
            validation_identities=validation_identities,
        )
        evaluation = evaluate_weights(
            WeightsToJudge(
                weights,
                choose_device(device),
                cache=None if no_cache else cache or default_cache(weights),
            ),
            tasks,
            ComparisonSettings(
                embedding=EmbeddingSettings(mode=frames, frames_per_batch=frames_per_batch),
                precision=precision,
                features=tuple(features.split(",")) if features else None,
                baseline=baseline,
                query_expansion=query_expansion,
                rerank=rerank,
                rules=RankingRules(same_camera=same_camera, average_precision=ap),
            ),
            progress=progress,
        )
        progress.stop()
        if report is not None:
            write_report(report, report_source(evaluation))
        judged = evaluation.report
        if open_set is not None:
            tried = report_open_set(evaluation.judged, share=open_set, seed=open_set_seed)
            judged = judged.model_copy(update={"open_set": tuple(tried)})
        if json:
            typer.echo(judged.model_dump_json(indent=2))
        else:
            print_report(judged, Console())
        if expected is not None:
            for one in compare_with_expected(evaluation.report, expected):
                # On stderr, so that JSON on stdout stays whole.
                errors.print(one.sentence(), markup=False, highlight=False)


def _expected_result(config: Path) -> "ExpectedResult":
    from training.config import load_config

    expected = load_config(config).expected
    if expected is None:
        raise ValueError(
            f"expected a recipe with an `expected` section, received {config} without; "
            "leave --config out"
        )
    return expected
