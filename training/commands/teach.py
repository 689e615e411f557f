"""`reid-train teach`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import Json, errors_for_people, progress_bars
from training.commands.train import Changes

Channels = tuple[float, float, float]


def teach(  # noqa: PLR0913  # each is an option
    config: Annotated[Path, typer.Argument(help="YAML of the run that will learn from it.")],
    graph: Annotated[Path, typer.Argument(help="The teacher: .onnx, or .xml of an OpenVINO IR.")],
    output: Annotated[Path, typer.Argument(help="The file for losses.teacher.embeddings.")],
    *,
    root: Annotated[Path | None, typer.Option(help="Instead of data.root.")] = None,
    run_dir: Annotated[Path | None, typer.Option(help="Instead of run_dir.")] = None,
    changes: Changes = None,
    height: Annotated[int, typer.Option(help="Pixel rows that the teacher takes.")] = 256,
    width: Annotated[int, typer.Option(help="Pixel columns that it takes.")] = 128,
    colour: Annotated[str, typer.Option(help="Order of its channels: rgb or bgr.")] = "rgb",
    mean: Annotated[Channels, typer.Option(help="Taken off, of pixels 0 to 255.")] = (0, 0, 0),
    std: Annotated[Channels, typer.Option(help="Divided by afterwards.")] = (1, 1, 1),
    threads: Annotated[int, typer.Option(min=0, help="Of the CPU; 0: the runtime's own.")] = 0,
    json: Json = False,
) -> None:
    """Embed every training frame of CONFIG with another model, once, to be learned from.

    The frames are those on disk, not augmented. The digest that is printed goes into
    losses.teacher.graph_sha256.
    """
    from training.config import load_config, override_paths
    from training.data.training_tracklets import training_tracklets
    from training.teacher.teacher_embeddings import TeacherEmbeddings
    from training.teacher.teacher_graph import TeacherGraph, TeacherInput

    with errors_for_people(), progress_bars() as progress:
        given = TeacherInput.model_validate(
            {"height": height, "width": width, "colour": colour, "mean": mean, "std": std}
        )
        settings = override_paths(load_config(config, changes or ()), root=root, run_dir=run_dir)
        teacher = TeacherGraph(graph, given, threads=threads)
        tracklets = training_tracklets(settings.data, settings.run_dir)
        frames = sum(len(tracklet.frames) for tracklet in tracklets)
        task = progress.add_task("teach", total=frames)
        embeddings = TeacherEmbeddings.compute(teacher, tracklets, lambda: progress.advance(task))
        output.parent.mkdir(parents=True, exist_ok=True)
        embeddings.write(output)
        progress.stop()
        said = {
            "embeddings": str(output),
            "graph_sha256": embeddings.graph_sha256,
            "frames": frames,
            "different_frames": len(embeddings.rows),
            "dimension": embeddings.rows.shape[1],
        }
        if json:
            from json import dumps

            typer.echo(dumps(said, indent=2))
        else:
            typer.echo("\n".join(f"{name}: {value}" for name, value in said.items()))
