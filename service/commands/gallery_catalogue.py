"""`reid gallery`: the galleries of a running service, their aliases, and moving them as files."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.commands.command_line import DEFAULT_URL, AsJson, Url, fail
from service.commands.gallery_connection import Name, Yes, connected

catalogue_commands = typer.Typer()

File = Annotated[Path, typer.Argument(help="Lines of JSON, one a tracklet.")]
Encoding = Literal["float16", "float32"]


@catalogue_commands.command("list")
def list_galleries(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:  # noqa: FBT002 a flag
    """List every gallery."""
    from service.client.gallery_commands import print_table

    with connected(url) as client:
        columns = ("gallery", "gallery_id", "aliases", "max_tracklets", "retention_s")
        print_table("galleries", client.galleries.every(), columns, as_json=as_json)


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

    with connected(url) as client:
        created = client.galleries.create(
            name, max_tracklets=max_tracklets, retention_s=retention_s
        )
        print_answer(created, as_json=as_json)


@catalogue_commands.command()
def describe(name: Name, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:  # noqa: FBT002 a flag
    """Say what a gallery holds, and how the service holds it."""
    from service.client.gallery_commands import print_answer

    with connected(url) as client:
        print_answer(client.galleries.describe(name), as_json=as_json)


@catalogue_commands.command()
def delete(
    name: Name,
    url: Url = DEFAULT_URL,
    yes: Yes = False,  # noqa: FBT002 a flag of the command line
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Delete a gallery, by its own name, with everything that is in it."""
    from service.client.gallery_commands import print_answer

    with connected(url) as client:
        if not yes:
            held = client.galleries.describe(name).tracklets
            typer.confirm(f"Delete gallery {name!r} with {held} tracklets?", abort=True, err=True)
        print_answer(client.galleries.drop(name), as_json=as_json)


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
        fail("expected ALIAS GALLERY, ALIAS --remove, or nothing at all; see --help")
    with connected(url) as client:
        if name is None:
            columns = ("alias", "gallery", "gallery_id")
            print_table("aliases", client.galleries.aliases(), columns, as_json=as_json)
        elif target is None:
            print_answer(client.galleries.remove_alias(name), as_json=as_json)
        else:
            print_answer(client.galleries.point_alias(name, target), as_json=as_json)


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

    with connected(url) as client:
        try:
            print_answer(export_file(client.galleries, name, file, encoding), as_json=as_json)
        except ExportFileError as error:
            fail(str(error))


@catalogue_commands.command("import")
def import_gallery(
    name: Name,
    file: File,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Enroll what an export of a gallery of the same model holds; safe to run again."""
    from service.client.gallery_commands import ExportFileError, import_file

    with connected(url) as client:
        try:
            status = import_file(client.galleries, name, file, as_json=as_json)
        except ExportFileError as error:
            fail(str(error))
    raise typer.Exit(status)
