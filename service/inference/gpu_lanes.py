"""Lanes on GPUs by ONNX Runtime's CUDA and TensorRT providers: one lane for each device."""

import hashlib
import re
from pathlib import Path

import onnxruntime

from service.inference.bound_backend import BoundBackend, Device
from service.inference.graph import Graph, ProviderOptions, open_session
from service.inference.nvidia import gpu_names, tensorrt_version
from service.inference.plan import InferencePlan

CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"


def open_gpu_lanes(graph: Graph, plan: InferencePlan, engine_dir: Path) -> list[BoundBackend]:
    """One lane on each of the first `plan.lanes` devices.

    Args:
        graph: What is run.
        plan: Of provider `cuda` or `tensorrt`.
        engine_dir: Where TensorRT keeps its engines and its timing cache.

    Raises:
        ArtifactError: When the graph does not load alone, or disagrees with the manifest.
        ProviderError: When the provider, its libraries or its devices cannot be had.
    """
    lanes = []
    names = gpu_names()
    for number in range(plan.lanes):
        providers: list[tuple[str, ProviderOptions]] = [(CUDA, cuda_options(plan, number))]
        if plan.provider == "tensorrt":
            folder = engine_folder(graph, plan, names[number], engine_dir)
            folder.mkdir(parents=True, exist_ok=True)
            providers.insert(0, (TENSORRT, tensorrt_options(graph, plan, number, folder)))
        lanes.append(
            BoundBackend(
                open_session(graph, threads=plan.threads, providers=providers),
                graph,
                precision=plan.precision,
                batch_sizes=plan.batch_sizes,
                device=Device("cuda", number),
            )
        )
    return lanes


def cuda_options(plan: InferencePlan, number: int) -> dict[str, str]:
    """For one device; memory grows by what is asked for and no more."""
    return {
        "device_id": str(number),
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "1" if plan.precision == "tf32" else "0",
    }


def tensorrt_options(
    graph: Graph, plan: InferencePlan, number: int, folder: Path
) -> dict[str, str]:
    """One engine for all batch sizes, kept in `folder`, with the timings of its building."""
    smallest, largest = plan.batch_sizes[0], plan.batch_sizes[-1]
    return {
        "device_id": str(number),
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        "trt_profile_min_shapes": _shape(graph, smallest),
        "trt_profile_opt_shapes": _shape(graph, largest),
        "trt_profile_max_shapes": _shape(graph, largest),
        "trt_fp16_enable": "1" if plan.precision == "fp16" else "0",
        "trt_bf16_enable": "1" if plan.precision == "bf16" else "0",
        "trt_int8_enable": "1" if plan.precision == "int8" else "0",
    }


def engine_folder(graph: Graph, plan: InferencePlan, gpu: str, engine_dir: Path) -> Path:
    """Named after everything that an engine depends on: another of it is another folder."""
    runtimes = f"ort{onnxruntime.__version__}-trt{tensorrt_version()}"
    sizes = "-".join(map(str, plan.batch_sizes))
    key = "|".join([graph.sha256, gpu, runtimes, plan.precision, sizes])
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", f"{gpu}-{runtimes}-{plan.precision}")
    return engine_dir / f"{graph.sha256[:12]}-{readable}-{digest}"


def _shape(graph: Graph, items: int) -> str:
    return f"{graph.manifest.input.name}:{'x'.join(map(str, (items, *graph.item_shape)))}"
