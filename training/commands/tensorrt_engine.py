"""`reid-train tensorrt`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from training.commands.console import Json, errors_for_people

if TYPE_CHECKING:
    from training.export.to_tensorrt import BuiltEngine


def tensorrt(
    artifact: Annotated[Path, typer.Argument(help="Directory of an artifact.")],
    *,
    precision: Annotated[
        Literal["fp32", "fp16", "bf16", "fp8", "int8"] | None,
        typer.Option(help="What the engine computes in; that of the artifact unless named."),
    ] = None,
    batches: Annotated[
        str, typer.Option(help="Batch sizes, ascending: 8,16,32; a service's unless named.")
    ] = "",
    workspace_mib: Annotated[
        int | None, typer.Option(min=1, help="Memory that one kernel may use.")
    ] = None,
    timing_cache: Annotated[
        Path | None,
        typer.Option(help="File of timings, read and written; beside the engines unless named."),
    ] = None,
    output: Annotated[Path, typer.Option(help="Where engines are kept.")] = Path("engines"),
    as_json: Json = False,
) -> None:
    """Build an engine for this machine's GPU and keep it when it passes the gate."""
    from model.manifest import load_manifest
    from training.export.engine_builder import BuildOptions
    from training.export.engine_key import parsed_batch_sizes
    from training.export.tensorrt_bindings import open_tensorrt
    from training.export.to_tensorrt import DEFAULT_BATCHES, find_gpu, write_engine

    with errors_for_people():
        graph = load_manifest(artifact).graph
        options = BuildOptions(
            precision=precision or graph.precision,
            batch_sizes=parsed_batch_sizes(batches) or DEFAULT_BATCHES[graph.batching_unit],
            workspace_mib=workspace_mib,
            timing_cache=timing_cache or output / "timing.cache",
        )
        built = write_engine(artifact, output, options, tensorrt=open_tensorrt(), gpu=find_gpu())
    typer.echo(built.model_dump_json(indent=2) if as_json else _told(built))


def _told(built: "BuiltEngine") -> str:
    found = built.description
    return "\n".join(
        [
            f"{built.folder}: {found.model}, {found.precision}, "
            f"{'kept from before' if built.reused else 'built'} in {built.elapsed_s:.1f} s",
            f"runs on    {found.gpu} with TensorRT {found.tensorrt}, "
            f"batches of {', '.join(map(str, found.batch_sizes))}",
            f"gate       least cosine {found.measured.least_cosine:.6f}, "
            f"{found.least_cosine} allowed",
            f"retrieval  mAP {found.measured.mean_average_precision:.2f} on the mini-gallery",
        ]
    )
