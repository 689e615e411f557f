"""`reid gallery`: the galleries of a running service, their aliases, and moving them as files."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from service.client.gallery_client import GalleryClient

DEFAULT_URL = "http://127.0.0.1:8000"

catalogue_commands = typer.Typer()

Name = Annotated[str, typer.Argument(help="The gallery's name or alias.")]
File = Annotated[Path, typer.Argument(help="Lines of JSON, one a tracklet.")]
Url = Annotated[str, typer.Option(help="Address of the running service.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Encoding = Literal["float16", "float32"]


@catalogue_commands.command("list")
def list_galleries(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:  # noqa: FBT002 a flag
    """List every gallery."""
    from service.client.gallery_commands import print_table

    with _client(url) as client:
        columns = ("gallery", "gallery_id", "aliases", "max_tracklets", "retention_s")
        print_table("galleries", client.every(), columns, as_json=as_json)


@catalogue_commands.command()
def create(
    name: Name,
    url: Url = DEFAULT_URL,
    max_tracklets: Annotated[int | None, typer.Option(min=1, help="More are refused.")] = None,
    retention_s: Annotated[
        float | None, typer.Option(help="Tracklets expire so many seconds after enrolment.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Create a gallery for the model that is served; the same may be asked for again."""
    from service.client.gallery_commands import print_answer

    with _client(url) as client:
        created = client.create(name, max_tracklets=max_tracklets, retention_s=retention_s)
        print_answer(created, as_json=as_json)


@catalogue_commands.command()
def describe(name: Name, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:  # noqa: FBT002 a flag
    """Say what a gallery holds, and how the service holds it."""
    from service.client.gallery_commands import print_answer

    with _client(url) as client:
        print_answer(client.describe(name), as_json=as_json)


@catalogue_commands.command()
def delete(
    name: Name,
    url: Url = DEFAULT_URL,
    yes: Yes = False,  # noqa: FBT002 a flag of the command line
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Delete a gallery, by its own name, with everything that is in it."""
    from service.client.gallery_commands import print_answer

    with _client(url) as client:
        if not yes:
            held = client.describe(name).tracklets
            typer.confirm(f"Delete gallery {name!r} with {held} tracklets?", abort=True, err=True)
        print_answer(client.drop(name), as_json=as_json)


@catalogue_commands.command()
def alias(
    name: Annotated[str | None, typer.Argument(help="The alias; none lists them all.")] = None,
    target: Annotated[str | None, typer.Argument(help="The gallery it means.")] = None,
    url: Url = DEFAULT_URL,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the alias.")] = False,  # noqa: FBT002 a flag
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Point an alias at a gallery, remove one, or list them all."""
    from service.client.gallery_commands import print_answer, print_table

    if (name is None) != (target is None and not remove) or (remove and target is not None):
        _fail("expected ALIAS GALLERY, ALIAS --remove, or nothing at all; see --help")
    with _client(url) as client:
        if name is None:
            columns = ("alias", "gallery", "gallery_id")
            print_table("aliases", client.aliases(), columns, as_json=as_json)
        elif target is None:
            print_answer(client.remove_alias(name), as_json=as_json)
        else:
            print_answer(client.point_alias(name, target), as_json=as_json)


@catalogue_commands.command("export")
def export_gallery(
    name: Name,
    file: File,
    url: Url = DEFAULT_URL,
    encoding: Annotated[Encoding, typer.Option(help="Of embeddings.")] = "float16",
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Write all that a gallery holds, as of one write, to a file."""
    from service.client.gallery_commands import ExportFileError, export_file, print_answer

    with _client(url) as client:
        try:
            print_answer(export_file(client, name, file, encoding), as_json=as_json)
        except ExportFileError as error:
            _fail(str(error))


@catalogue_commands.command("import")
def import_gallery(
    name: Name,
    file: File,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Enroll what an export of a gallery of the same model holds; safe to run again."""
    from service.client.gallery_commands import ExportFileError, import_file

    with _client(url) as client:
        try:
            status = import_file(client, name, file, as_json=as_json)
        except ExportFileError as error:
            _fail(str(error))
    raise typer.Exit(status)


@contextmanager
def _client(url: str) -> "Iterator[GalleryClient]":
    """A client of the service; its refusals end the command with status 1."""
    from service.client.client import ReidClient
    from service.client.connection import ReidClientError

    try:
        with ReidClient(url) as client:
            yield client.galleries
    except ReidClientError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    print(f"reid: {message}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(1)
