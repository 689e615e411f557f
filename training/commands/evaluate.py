"""`reid-train evaluate`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.console import Json, errors_for_people, progress_bars

DataName = Annotated[str, typer.Option("--data", help="Name in the catalogue of data sets.")]


def evaluate(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a run.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    data: DataName = "market1501",
    validation_identities: Annotated[
        int | None, typer.Option(min=1, help="Evaluate on the last so many identities only.")
    ] = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """CMC and mAP of a model beside the colour-histogram baseline, same-camera rule applied."""
    from model.manifest import file_digest
    from model.weights import open_network
    from training.data.catalogue import read_data_set
    from training.data.tracklet import hold_out_identities
    from training.device import choose_device
    from training.evaluation.compare import compare_with_baseline
    from training.evaluation.report import print_report

    with errors_for_people():
        tracklets = list(read_data_set(data, root).split().train)
        described = f"all {len(tracklets)} tracklets of {data}"
        if validation_identities is not None:
            _, tracklets = hold_out_identities(tracklets, validation_identities)
            described = f"the last {validation_identities} identities of {data}"
        with progress_bars() as progress:
            report = compare_with_baseline(
                open_network(weights).to(choose_device("auto")),
                tracklets,
                described=described,
                weights_sha256=file_digest(weights).sha256,
                progress=progress,
            )
        if json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            print_report(report, Console())
