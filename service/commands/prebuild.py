"""`reid prebuild`: choose how the model is run, and build its engines, ahead of the service."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.command_line import AsJson, fail

if TYPE_CHECKING:
    from service.inference.prebuilt import Prebuilt


def prebuild(
    artifact_dir: Annotated[Path | None, typer.Option(help="The model to serve.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Of the service that will serve it.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="As REID_INFERENCE_PROVIDER.")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Measure again what is known.")] = False,  # noqa: FBT002 a flag of the command line
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Measure and build what `reid serve` would at its first start, with the same settings."""
    # ONNX Runtime reads this when it is imported, and would report to its maker otherwise.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    from rich.console import Console

    from model.manifest import ArtifactError
    from service.inference.graph import ProviderError
    from service.inference.prebuilt import prebuilt
    from service.settings import SettingsError, load_settings

    given = {
        "artifact_dir": artifact_dir,
        "data_dir": data_dir,
        "inference_provider": provider,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        with Console(stderr=True).status("reading the artifact") as status:
            done = prebuilt(load_settings(chosen), status.update, anew=anew)
    except (ArtifactError, ProviderError, SettingsError) as error:
        fail(str(error))
    if as_json:
        typer.echo(done.model_dump_json(indent=2))
    else:
        _print(done)


def _print(done: "Prebuilt") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("plan", "items/s", "cosine", "refused because")
    for one in done.measured:
        rate = "" if one.items_per_s is None else f"{one.items_per_s:.1f}"
        cosine = "" if one.cosine is None else f"{one.cosine:.6f}"
        table.add_row(*(Text(cell) for cell in (str(one.plan), rate, cosine, one.refused or "")))
    console = Console()
    if done.measured:
        console.print(table)
    how = "known before" if done.recalled else "measured now" if done.measured else "as set"
    console.print(Text(f"serves with {done.plan} ({how}), {done.backend} in {done.precision}"))
    console.print(Text(f"golden clip reproduced with cosine {done.cosine:.6f}"))
    console.print(Text(f"ready in {done.elapsed_s:.1f} s; {len(done.engines)} files of engines"))
