"""`reid-train complexity`."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from training.commands.console import Json, errors_for_people


def complexity(
    configs: Annotated[
        list[Path] | None, typer.Argument(help="Training YAML; without one, every model.")
    ] = None,
    table: Annotated[Literal["v"] | None, typer.Option(help="A table of the paper.")] = None,
    convention: Annotated[
        Literal["true", "paper"], typer.Option(help="What counts, and in which unit.")
    ] = "true",
    json: Json = False,  # noqa: FBT002
) -> None:
    """Parameters and multiply-accumulates of models, by module, per clip and per frame."""
    from training.complexity_report import print_complexity, report_complexity

    with errors_for_people():
        report = report_complexity(configs or [], table=table, convention=convention)
        if json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            print_complexity(report, Console())
