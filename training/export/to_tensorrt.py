"""An artifact → a TensorRT engine for the GPU of this machine, proven before it is kept.

Not measured: no GPU was at hand. Names and arguments are held against the bindings' signatures.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import onnx
import torch
from pydantic import BaseModel, ConfigDict

from model.manifest import Manifest, load_manifest, verify_files
from model.stored_gate import Measured
from training.export.engine_builder import BuildOptions, build_engine
from training.export.engine_graph import engine_graph
from training.export.engine_key import EngineKey, EnginePrecision, require_batch_sizes
from training.export.engine_runner import EngineRunner
from training.export.engine_store import EngineDescription, keep_engine, kept_engine
from training.export.gate import BOUNDS, Bounds, Reference, largest_batch, pass_gate
from training.export.graph_runner import RunItems, onnx_runner
from training.export.mini_gallery import DrawnGallery, answers, draw_gallery
from training.export.tensorrt_bindings import ILogger, Tensorrt, TensorrtError, library_version

DEFAULT_BATCHES: Mapping[Literal["frame", "clip"], tuple[int, ...]] = MappingProxyType(
    {"frame": (8, 16, 32, 64, 128), "clip": (1, 2, 4, 8, 16)}
)
"""Those that a service fills on a GPU."""
ENGINE_BOUNDS: Mapping[EnginePrecision, Bounds] = MappingProxyType(
    {
        "fp32": BOUNDS["fp32"],
        "fp16": BOUNDS["fp16"],
        "bf16": BOUNDS["fp16"],
        "fp8": BOUNDS["int8"],
        "int8": BOUNDS["int8"],
    }
)
_LEAST_CAPABILITY: Mapping[EnginePrecision, tuple[int, int]] = MappingProxyType(
    {"bf16": (8, 0), "fp8": (8, 9)}
)


@dataclass(frozen=True, slots=True)
class Gpu:
    """The device that engines are built for and run on.

    Attributes:
        name: As the driver says.
        capability: Compute capability.
        device: Of torch.
    """

    name: str
    capability: tuple[int, int]
    device: torch.device

    def __str__(self) -> str:
        return f"{self.name} sm{self.capability[0]}{self.capability[1]}"


class BuiltEngine(BaseModel):
    """What was built, or found.

    Attributes:
        folder: Where it lies.
        reused: Whether it lay there before; the gate was run all the same.
        elapsed_s: What it took.
        description: Of the engine.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    reused: bool
    elapsed_s: float
    description: EngineDescription


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """An artifact whose files are whole, and who is drawn for its gate."""

    graph: Path
    manifest: Manifest
    gallery: DrawnGallery

    @property
    def largest_batch(self) -> int:
        return largest_batch(self.manifest.preprocessing.frames_per_clip)


def find_gpu() -> Gpu:
    """The first GPU that this process may use.

    Raises:
        TensorrtError: When there is none.
    """
    if not torch.cuda.is_available():
        raise TensorrtError(
            "expected an NVIDIA GPU, received none that CUDA can use; engines are built on the "
            "machine that runs them"
        )
    return Gpu(
        torch.cuda.get_device_name(0),
        torch.cuda.get_device_capability(0),
        torch.device("cuda", 0),
    )


def write_engine(
    artifact: Path, root: Path, options: BuildOptions, *, tensorrt: Tensorrt, gpu: Gpu
) -> BuiltEngine:
    """Build unless it is there, run the gate, keep.

    Args:
        artifact: Directory of the artifact.
        root: Where engines are kept.
        options: How to build.
        tensorrt: The bindings.
        gpu: To build for.

    Raises:
        ArtifactError: When the artifact breaks its contract.
        GateError: When the engine does not compute what its graph does; it is not kept.
        TensorrtError: When it cannot be built or run here.
    """
    started_s = time.monotonic()
    require_batch_sizes(options.batch_sizes)
    _require_capability(options.precision, gpu)
    opened = _open(artifact)
    key = engine_key(opened.manifest, options, tensorrt=tensorrt, gpu=gpu)
    folder = key.folder(root)
    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    content = kept_engine(folder)
    reused = content is not None
    if content is None:
        content = _build(opened, options, tensorrt=tensorrt, logger=logger)
    runner = EngineRunner.load(
        tensorrt.Runtime(logger),
        content,
        batch_sizes=options.batch_sizes,
        dimension=opened.manifest.output.dimension,
        device=gpu.device,
    )
    measured = _prove(runner, opened, options.precision)
    description = _described(opened.manifest, key, content, measured)
    keep_engine(folder, content, description)
    elapsed_s = time.monotonic() - started_s
    return BuiltEngine(folder=folder, reused=reused, elapsed_s=elapsed_s, description=description)


def engine_key(
    manifest: Manifest, options: BuildOptions, *, tensorrt: Tensorrt, gpu: Gpu
) -> EngineKey:
    """What the engine depends on."""
    return EngineKey(
        graph_sha256=manifest.files[manifest.graph.file].sha256,
        gpu=str(gpu),
        runtime=f"trt{library_version(tensorrt)}",
        precision=options.precision,
        batch_sizes=options.batch_sizes,
    )


def _open(artifact: Path) -> _Opened:
    manifest = load_manifest(artifact)
    verify_files(artifact, manifest)
    if manifest.graph.format != "onnx":
        raise ValueError(
            f"expected an artifact whose graph is ONNX, received {manifest.graph.format}, which "
            "TensorRT does not read; import the model from ONNX"
        )
    gallery = draw_gallery(manifest.preprocessing, manifest.output)
    return _Opened(artifact / manifest.graph.file, manifest, gallery)


def _build(opened: _Opened, options: BuildOptions, *, tensorrt: Tensorrt, logger: ILogger) -> bytes:
    items = opened.gallery.items
    graph = engine_graph(
        onnx.load(opened.graph),
        opened.manifest.graph.precision,
        options.precision,
        items[: opened.largest_batch],
    )
    return build_engine(tensorrt, logger, graph.SerializeToString(), items.shape[1:], options)


def _prove(run: RunItems, opened: _Opened, precision: EnginePrecision) -> Measured:
    """The gate of an export, held against the artifact's graph in ONNX Runtime."""
    output, largest = opened.manifest.output, opened.largest_batch
    expected = answers(onnx_runner(opened.graph), opened.gallery, output, largest=largest)
    return pass_gate(
        run,
        Reference(expected.rows[:largest], expected.embeddings, expected.mean_average_precision),
        gallery=opened.gallery,
        output=output,
        bounds=ENGINE_BOUNDS[precision],
    )


def _described(
    manifest: Manifest, key: EngineKey, content: bytes, measured: Measured
) -> EngineDescription:
    return EngineDescription(
        model=f"{manifest.model.name} {manifest.model.version}",
        fingerprint=manifest.model.fingerprint,
        graph_sha256=key.graph_sha256,
        gpu=key.gpu,
        tensorrt=key.runtime.removeprefix("trt"),
        precision=key.precision,
        batch_sizes=key.batch_sizes,
        engine_sha256=sha256(content).hexdigest(),
        least_cosine=ENGINE_BOUNDS[key.precision].least_cosine,
        measured=measured,
    )


def _require_capability(precision: EnginePrecision, gpu: Gpu) -> None:
    least = _LEAST_CAPABILITY.get(precision, (0, 0))
    if gpu.capability < least:
        raise TensorrtError(
            f"expected a GPU of compute capability {least[0]}.{least[1]} or more for {precision}, "
            f"received {gpu}; choose --precision fp16"
        )
