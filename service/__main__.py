"""The command `reid`. Heavy parts are imported by the command that needs them."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from service.api.schemas import DEFAULT_GALLERY
from service.commands.api_key import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    choose_key_file,
    chosen_api_key,
)
from service.commands.command_line import DEFAULT_URL, AsJson, Url, fail
from service.commands.doctor import doctor
from service.commands.enroll_video import enroll_video
from service.commands.gallery import gallery_commands
from service.commands.gallery_catalogue import catalogue_commands
from service.commands.gallery_forgetting import forgetting_commands
from service.commands.keys import keys_commands
from service.commands.openapi import openapi
from service.commands.prebuild import prebuild

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.add_typer(gallery_commands, name="gallery")
cli.add_typer(keys_commands, name="keys")
gallery_commands.add_typer(catalogue_commands)
gallery_commands.add_typer(forgetting_commands)
cli.command()(enroll_video)
cli.command()(openapi)
cli.command()(prebuild)
cli.command()(doctor)

Directory = Annotated[
    Path, typer.Argument(help="A directory of frames, or a tree of such directories.")
]
Gallery = Annotated[str, typer.Option(help="Which gallery.")]
Concurrency = Annotated[int, typer.Option(min=1, max=64, help="Requests under way at a time.")]
MostFrames = Annotated[
    int, typer.Option(min=1, help="Of longer tracklets send evenly spaced ones.")
]
ExcludeSameCamera = Annotated[
    bool, typer.Option("--exclude-same-camera", help="Leave out tracklets of the query's camera.")
]
GroupBy = Literal["tracklet", "identity"]
LogLevel = Literal["debug", "info", "warning", "error"]


@cli.callback()
def options(
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            envvar=KEY_FILE_VARIABLE,
            help=f"Holds the API key to send; otherwise {KEY_VARIABLE} does.",
        ),
    ] = None,
) -> None:
    """Video person re-identification: enroll tracklets, search with tracklets."""
    choose_key_file(api_key_file)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    admin_host: Annotated[str | None, typer.Option(help="Address of the second port.")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Port of metrics and audit log.")] = None,
    artifact_dir: Annotated[Path | None, typer.Option(help="The model to serve.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where galleries are kept.")] = None,
    log_level: Annotated[LogLevel | None, typer.Option(help="Least level logged.")] = None,
) -> None:
    """Serve; every setting is also a REID_* variable, and options go before variables."""
    # ONNX Runtime reads this when it is imported, and would report to its maker otherwise.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    from service.serving import ServeError
    from service.serving import serve as serve_settings
    from service.settings import SettingsError, load_settings

    given = {
        "host": host,
        "port": port,
        "admin_host": admin_host,
        "admin_port": admin_port,
        "artifact_dir": artifact_dir,
        "data_dir": data_dir,
        "log_level": log_level,
    }
    try:
        chosen = {name: value for name, value in given.items() if value is not None}
        serve_settings(load_settings(chosen))
    except (ServeError, SettingsError) as error:
        fail(str(error))


@cli.command()
def enroll(
    directory: Directory,
    url: Url = DEFAULT_URL,
    gallery: Gallery = DEFAULT_GALLERY,
    concurrency: Concurrency = 4,
    most_frames: MostFrames = 256,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Enroll the tracklets of a directory; enrolling again replaces."""
    from service.client.connection import ReidClientError
    from service.client.folder_commands import BulkOptions, enroll_folder
    from service.client.tracklet_folder import TrackletFolderError

    options = BulkOptions(url, concurrency, most_frames, as_json, chosen_api_key())
    try:
        status = enroll_folder(directory, gallery, options)
    except (ReidClientError, TrackletFolderError) as error:
        fail(str(error))
    raise typer.Exit(status)


@cli.command()
def search(  # noqa: PLR0913, PLR0917 each is an option of the command line
    directory: Directory,
    url: Url = DEFAULT_URL,
    gallery: Gallery = DEFAULT_GALLERY,
    top_k: Annotated[int, typer.Option(min=1, help="Matches per query.")] = 5,
    exclude_same_camera: ExcludeSameCamera = False,  # noqa: FBT002 a flag of the command line
    group_by: Annotated[GroupBy, typer.Option(help="What to rank.")] = "tracklet",
    false_accept_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-6, max=0.999, help="Of the threshold; one that the model is calibrated for."
        ),
    ] = None,
    concurrency: Concurrency = 4,
    most_frames: MostFrames = 256,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Search with the tracklets of a directory; says rank-1 where their identity is known."""
    from service.api.schemas import SearchOptionsBody
    from service.client.connection import ReidClientError
    from service.client.folder_commands import BulkOptions, search_folder
    from service.client.tracklet_folder import TrackletFolderError

    query = SearchOptionsBody(
        gallery=gallery,
        top_k=top_k,
        exclude_same_camera=exclude_same_camera,
        group_by=group_by,
        false_accept_rate=false_accept_rate,
    )
    options = BulkOptions(url, concurrency, most_frames, as_json, chosen_api_key())
    try:
        status = search_folder(directory, query, options)
    except (ReidClientError, TrackletFolderError) as error:
        fail(str(error))
    raise typer.Exit(status)


def main() -> None:
    """Entry point of the console script."""
    cli()


if __name__ == "__main__":
    main()
