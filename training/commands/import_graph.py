"""`reid-train import`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from model.manifest import MOST_FRAMES
from training.commands.console import Json, commit, errors_for_people


def import_graph(  # noqa: PLR0913 - a parameter is an option
    graph: Annotated[Path, typer.Argument(help="An .onnx file, or the .xml of an OpenVINO IR.")],
    directory: Annotated[Path, typer.Argument(help="Artifact directory to write or replace.")],
    *,
    name: Annotated[str, typer.Option(help="The model's name.")],
    version: Annotated[str, typer.Option(help="The model's version.")],
    input_layout: Annotated[
        Literal["NCHW", "NHWC"], typer.Option(help="Order of the axes of the graph's input.")
    ],
    color: Annotated[
        Literal["RGB", "BGR"], typer.Option(help="Order of the channels of the graph's input.")
    ],
    scale: Annotated[
        float, typer.Option(help="Pixels of 0 to 255 are divided by it: 255 makes 0 to 1.")
    ],
    mean: Annotated[
        str, typer.Option(help="Subtracted after scaling: 0.485,0.456,0.406; in --color's order.")
    ],
    std: Annotated[str, typer.Option(help="Divided by then: 0.229,0.224,0.225.")],
    data_licence: Annotated[
        str, typer.Option(help="What the licence of its training data allows; `unknown` if so.")
    ],
    data: Annotated[str, typer.Option(help="What it was trained on.")] = "not known",
    training: Annotated[
        str, typer.Option(help="How it was trained, and the licence of its weights.")
    ] = "Not known to who imported it.",
    size: Annotated[
        str | None, typer.Option(help="HEIGHTxWIDTH, where the graph leaves it open.")
    ] = None,
    input_name: Annotated[
        str | None, typer.Option(help="The input that takes frames, of several.")
    ] = None,
    output_name: Annotated[
        str | None, typer.Option(help="The output that is the embedding, of several.")
    ] = None,
    normalise_frames: Annotated[
        bool,
        typer.Option(
            "--normalise-frames/--average-frames",
            help="Bring each frame's feature to length 1 before the mean over a tracklet.",
        ),
    ] = False,
    max_frames: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_FRAMES, help="Of a tracklet, evenly spaced, that are embedded."
        ),
    ] = 32,
    weights: Annotated[
        Path | None, typer.Option(help="The .bin of an IR, where it is not beside it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Wrap a re-identification graph that you have; publish nothing that the gate refuses."""
    from training.export.description import ArtifactCard
    from training.export.foreign_input import ForeignInput, height_and_width, three_numbers
    from training.export.imported_artifact import Foreign, write_imported_artifact

    with errors_for_people():
        wanted = ForeignInput(
            layout=input_layout,
            colour=color,
            scale=scale,
            mean=three_numbers(mean, "--mean"),
            std=three_numbers(std, "--std"),
            size=None if size is None else height_and_width(size),
            input_name=input_name,
            output_name=output_name,
            normalise_frames=normalise_frames,
        )
        card = ArtifactCard(
            name=name, version=version, data=data, data_licence=data_licence, training=training
        )
        foreign = Foreign(graph, weights, wanted, max_frames)
        manifest = write_imported_artifact(foreign, directory, card, commit=commit())
        if as_json:
            typer.echo(manifest.model_dump_json(indent=2))
        else:
            typer.echo(f"{directory}: {manifest.model.name} {manifest.model.version}")
            typer.echo(manifest.model.fingerprint)
