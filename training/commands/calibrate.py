"""`reid-train calibrate`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.console import Json, errors_for_people, progress_bars
from training.commands.evaluation_options import GalleryOption, SameCamera


def calibrate(  # noqa: PLR0913  # each is an option
    artifact: Annotated[Path, typer.Argument(help="Directory of the artifact.")],
    *,
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    data: Annotated[
        str, typer.Option("--data", help="Name in the catalogue of data sets.")
    ] = "market1501",
    split: Annotated[str | None, typer.Option(help="Which split.")] = None,
    gallery: GalleryOption = "official",
    validation_identities: Annotated[
        int | None,
        typer.Option(min=1, help="Every tracklet of the last so many training identities asks."),
    ] = None,
    same_camera: SameCamera = "exclude",
    rates: Annotated[
        str, typer.Option(help="False-accept rates between commas.")
    ] = "0.01,0.001,0.0001",
    draws: Annotated[
        int, typer.Option(min=1, help="How many galleries of people drawn at random are searched.")
    ] = 200,
    known_share: Annotated[
        float, typer.Option(help="Part of the people who are in the gallery.")
    ] = 0.5,
    halves: Annotated[
        int, typer.Option(min=1, help="How often to fit on half the people, to check on the rest.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of all drawing.")] = 0,
    json: Json = False,
) -> None:
    """Measure what similarities of an artifact mean, and write it into manifest and card.

    Search people whom the model has never seen, by the artifact's own graph: some are in the
    gallery, others are not. Thresholds keep the false-accept rates for those who are not.
    """
    from training.data.catalogue import read_data_set
    from training.evaluation.calibration import CalibrationSettings
    from training.evaluation.calibration_table import print_calibration
    from training.evaluation.ranking_rules import RankingRules
    from training.evaluation.retrieval_task import choose_tasks
    from training.export.calibrated_artifact import calibrate_artifact

    with errors_for_people(), progress_bars() as progress:
        settings = CalibrationSettings(
            rates=asked_rates(rates),
            draws=draws,
            known_share=known_share,
            halves=halves,
            seed=seed,
        )
        chosen = choose_tasks(
            read_data_set(data, root),
            split=split,
            gallery=gallery,
            validation_identities=validation_identities,
        )
        found = calibrate_artifact(
            artifact,
            chosen,
            rules=RankingRules(
                same_camera=same_camera,
                exclude_same_outfit=chosen.tasks[0].excludes_same_outfit,
            ),
            settings=settings,
            progress=progress,
        )
        progress.stop()
        if json:
            typer.echo(found.model_dump_json(indent=2))
        else:
            print_calibration(found, Console())


def asked_rates(text: str) -> tuple[float, ...]:
    """False-accept rates between commas.

    Raises:
        ValueError: When one is no number between 0 and 1.
    """
    try:
        rates = tuple(float(rate) for rate in text.split(","))
    except ValueError:
        rates = ()
    if not rates or not all(0 < rate < 1 for rate in rates):
        raise ValueError(
            f"expected false-accept rates between 0 and 1, received {text!r}; "
            "0.01,0.001 are one in a hundred and one in a thousand"
        )
    return rates
