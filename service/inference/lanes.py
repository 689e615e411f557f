"""From a plan to backends, one for each lane."""

from pathlib import Path

from service.batching.backend import Backend
from service.inference.gpu_lanes import open_gpu_lanes
from service.inference.graph import Graph
from service.inference.onnx_backend import open_onnx_lanes
from service.inference.openvino_backend import open_openvino_lanes
from service.inference.plan import InferencePlan


def open_lanes(graph: Graph, plan: InferencePlan, engine_dir: Path) -> list[Backend]:
    """The plan's lanes, open.

    Args:
        graph: What is run.
        plan: How.
        engine_dir: Where engines compiled for one GPU are kept.

    Raises:
        ArtifactError: When the graph does not load alone, or disagrees with the manifest.
        ProviderError: When what the plan names cannot be had.
    """
    if plan.provider == "cpu":
        return [*open_onnx_lanes(graph, lanes=plan.lanes, threads=plan.threads)]
    if plan.provider == "openvino":
        return [
            *open_openvino_lanes(
                graph, lanes=plan.lanes, threads=plan.threads, precision=plan.precision
            )
        ]
    return [*open_gpu_lanes(graph, plan, engine_dir)]
