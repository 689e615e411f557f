"""`reid-train attention`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import errors_for_people


def attention(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a run.")],
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of one tracklet's frames, named in time order.")
    ] = None,
    *,
    output: Annotated[Path, typer.Option(help="File to write: .html, or .png for a paper.")],
    data: Annotated[
        str | None, typer.Option(help="Data set to take the tracklet from, instead of a folder.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    tracklet: Annotated[str | None, typer.Option(help="Name of the tracklet in it.")] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Frames to show; a clip of the model unless given.")
    ] = None,
) -> None:
    """Where a model looks in a tracklet, and how much each frame weighs.

    Activation of the CNN, rollout of the Transformer, self and cross maps of content attention,
    weights of the frames in temporal aggregation: what the model has; the rest is said in a note.
    The file holds pictures of a person.
    """
    from model.manifest import file_digest
    from model.weights import open_network
    from training.device import choose_device
    from training.visualize.attention import explain_clip
    from training.visualize.attention_page import require_known_suffix, write_attention
    from training.visualize.shown_tracklet import find_tracklet, read_shown_frames

    with errors_for_people():
        require_known_suffix(output)
        shown = find_tracklet(folder, data=data, root=root, name=tracklet)
        network = open_network(weights).to(choose_device("auto"))
        config = network.config
        seen = read_shown_frames(
            shown, most=frames or config.clip_frames, size=(config.height, config.width)
        )
        write_attention(
            output,
            explain_clip(network, seen),
            title=f"Attention in {shown.name}",
            facts={
                "model": config.summary,
                "weights": f"sha256 {file_digest(weights).sha256}",
                "frames": f"{len(seen)} evenly spaced of {len(shown.frames)}",
            },
        )
        typer.echo(output)
