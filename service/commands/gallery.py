"""`reid gallery`: how galleries are, whether their copies agree, and how to write one back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from service.commands.command_line import AsJson, fail

gallery_commands = typer.Typer(
    help="Look after galleries: of a running service, or of the store that REID_* names.",
    no_args_is_help=True,
)

Name = Annotated[str | None, typer.Option("--gallery", help="One gallery; otherwise all.")]
Url = Annotated[
    str | None,
    typer.Option(help="Address of a running service; otherwise the store, used by none."),
]
DataDir = Annotated[Path | None, typer.Option(help="Where galleries and snapshots are kept.")]


@gallery_commands.command()
def status(
    gallery: Name = None,
    url: Url = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """List galleries with what is held of each; without --url, snapshots too."""
    from service.commands.gallery_output import print_held, print_served
    from service.commands.gallery_sources import held_galleries, served_galleries

    with _failing_in_words():
        if url is not None:
            print_served(served_galleries(url, gallery), as_json=as_json)
        else:
            print_held(held_galleries(data_dir, gallery), as_json=as_json)


@gallery_commands.command()
def verify(
    gallery: Name = None,
    url: Url = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Read whole galleries and compare rows, log, index and snapshots; exit status 1 on drift."""
    from service.commands.gallery_output import print_reports
    from service.commands.gallery_sources import verified_by_service, verified_in_store

    with _failing_in_words():
        if url is not None:
            reports = verified_by_service(url, gallery)
        else:
            reports = verified_in_store(data_dir, gallery)
        print_reports(reports, as_json=as_json)
    if not all(report.agrees for report in reports):
        raise typer.Exit(1)


@gallery_commands.command()
def reseed(
    gallery: Annotated[str, typer.Argument(help="Name of a gallery that the store has lost.")],
    data_dir: DataDir = None,
) -> None:
    """Write the newest whole snapshot of a lost gallery into the store, under a new id."""
    from service.commands.gallery_output import print_reseeded
    from service.commands.gallery_sources import reseeded

    with _failing_in_words():
        print_reseeded(reseeded(data_dir, gallery))


@contextmanager
def _failing_in_words() -> Iterator[None]:
    from service.client.connection import ReidClientError
    from service.errors import ReidError
    from service.settings import SettingsError

    try:
        yield
    except (ReidClientError, ReidError, SettingsError) as error:
        fail(str(error))
