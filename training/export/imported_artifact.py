"""A re-identification graph that somebody already has → an artifact directory, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime

from model.manifest import (
    EmbeddingPart,
    FrameChoice,
    Manifest,
    OutputTensor,
    Preprocessing,
    Provenance,
    file_digest,
)
from training.export.artifact_directory import require_artifact_or_nothing
from training.export.card_results import MeasuredResults
from training.export.description import ArtifactCard
from training.export.foreign_input import ForeignInput
from training.export.foreign_onnx import nodes_of, read_onnx
from training.export.foreign_onnx import tensors_of as onnx_tensors
from training.export.foreign_reference import (
    RunOriginal,
    embedding_shape,
    foreign_reference,
    require_any_batch,
)
from training.export.foreign_tensor import ForeignTensor, choose, frame_size
from training.export.gate import Precision
from training.export.graph_runner import RunItems, onnx_runner, openvino_runner
from training.export.model_card import model_card
from training.export.publishing import PreparedGraph, Publication, publish
from training.export.wrap_onnx import Ends, wrap_onnx
from training.export.wrap_openvino import (
    is_quantized,
    read_ir,
    run_ir,
    save_ir,
    wrap_ir,
)
from training.export.wrap_openvino import tensors_of as ir_tensors

_QUANTIZED = frozenset({"QuantizeLinear", "DequantizeLinear", "ConvInteger", "MatMulInteger"})


@dataclass(frozen=True, slots=True)
class Foreign:
    """Files of the graph, and how it wants its frames.

    Attributes:
        graph: `.onnx`, or `.xml` of an OpenVINO IR.
        weights: Of an IR, where they do not lie beside it under its name.
        input: What the files cannot say.
        most_frames: Of a tracklet, that a service embeds.
    """

    graph: Path
    weights: Path | None
    input: ForeignInput
    most_frames: int


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """A graph of bytes, and what it must compute."""

    file: Path
    weights: Path | None
    precision: Precision
    reference: RunItems
    ends: Ends
    names: tuple[str, str]


def write_imported_artifact(
    foreign: Foreign, directory: Path, card: ArtifactCard, *, commit: str
) -> Manifest:
    """Wrap, prove, describe, publish; what fails before the last step changes nothing.

    Args:
        foreign: The graph.
        directory: Where the artifact goes; an earlier artifact there is replaced.
        card: What the person who imports says of it.
        commit: Of the code.

    Raises:
        GateError: When the wrapped graph does not compute what the original does.
        ValueError: When the graph cannot be read or wrapped, or `directory` holds something that
            is no artifact.
    """
    require_artifact_or_nothing(directory)
    of_ir = foreign.graph.suffix.lower() == ".xml"
    with TemporaryDirectory() as scratch:
        wrapped = (_wrapped_ir if of_ir else _wrapped_onnx)(foreign, Path(scratch))
        prepared = PreparedGraph(
            file=wrapped.file,
            weights=wrapped.weights,
            precision=wrapped.precision,
            input_name=wrapped.names[0],
            preprocessing=_preprocessing(foreign, wrapped.ends.size),
            output=_output(wrapped),
            reference=wrapped.reference,
        )
        return publish(prepared, directory, _publication(foreign, card, commit))


def _wrapped_onnx(foreign: Foreign, scratch: Path) -> _Wrapped:
    model = read_onnx(foreign.graph)
    frames, embedding = _ends_of(onnx_tensors(model), foreign.input)
    run = _run_onnx(model, frames.name, embedding.name)
    ends = _ends(run, frames, embedding, foreign.input)
    wrapped = wrap_onnx(model, ends, foreign.input)
    file = scratch / "wrapped.onnx"
    onnx.save(wrapped, file)
    reference = foreign_reference(run, frames, foreign.input)
    require_any_batch(onnx_runner(file), reference, frames, ends.size)
    names = wrapped.graph.input[0].name, wrapped.graph.output[0].name
    return _Wrapped(file, None, _precision(model, frames), reference, ends, names)


def _wrapped_ir(foreign: Foreign, scratch: Path) -> _Wrapped:
    model = read_ir(foreign.graph, foreign.weights or foreign.graph.with_suffix(".bin"))
    frames, embedding = _ends_of(ir_tensors(model), foreign.input)
    run = run_ir(model, (frames.name, embedding.name))
    ends = _ends(run, frames, embedding, foreign.input)
    precision: Precision = "int8" if is_quantized(model) else "fp32"
    file = scratch / "wrapped.xml"
    weights = save_ir(wrap_ir(model, ends, foreign.input), file)
    reference = foreign_reference(run, frames, foreign.input)
    require_any_batch(openvino_runner(file, weights), reference, frames, ends.size)
    return _Wrapped(file, weights, precision, reference, ends, ("frames", "features"))


def _ends_of(
    tensors: tuple[list[ForeignTensor], list[ForeignTensor]], wanted: ForeignInput
) -> tuple[ForeignTensor, ForeignTensor]:
    frames = choose(tensors[0], wanted.input_name, "input")
    if frames.kind not in ("float32", "float16", "uint8"):
        raise ValueError(
            f"expected an input of float32, float16 or uint8, received {frames}; "
            "name the one that takes frames with --input-name"
        )
    return frames, choose(tensors[1], wanted.output_name, "output")


def _ends(
    run: RunOriginal, frames: ForeignTensor, embedding: ForeignTensor, wanted: ForeignInput
) -> Ends:
    size = frame_size(frames, wanted)
    return Ends(frames, embedding, embedding_shape(run, frames, wanted, size), size)


def _run_onnx(model: onnx.ModelProto, frames: str, embedding: str) -> RunOriginal:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's errors share no other class
        raise ValueError(
            f"expected a graph that ONNX Runtime runs, received: {error}; export it again"
        ) from error

    def run(values: np.ndarray) -> np.ndarray:
        found: np.ndarray = session.run([embedding], {frames: values})[0]
        return found

    return run


def _precision(model: onnx.ModelProto, frames: ForeignTensor) -> Precision:
    if any(node.op_type in _QUANTIZED or "QLinear" in node.op_type for node in nodes_of(model)):
        return "int8"
    return "fp16" if frames.kind == "float16" else "fp32"


def _preprocessing(foreign: Foreign, size: tuple[int, int]) -> Preprocessing:
    return Preprocessing(
        frames_per_clip=None,
        choice=FrameChoice(policy="evenly_spaced", most=foreign.most_frames),
        height=size[0],
        width=size[1],
        interpolation="bilinear_antialias",
        colour="RGB",
    )


def _output(wrapped: _Wrapped) -> OutputTensor:
    dimension = int(np.prod(wrapped.ends.embedding_shape))
    return OutputTensor(
        name=wrapped.names[1],
        dimension=dimension,
        normalised=True,
        metric="cosine",
        pooling="mean",
        parts=(EmbeddingPart(name="imported", dimension=dimension),),
    )


def _publication(foreign: Foreign, card: ArtifactCard, commit: str) -> Publication:
    file, wanted = foreign.graph, foreign.input
    digest = file_digest(file).sha256
    network = (
        f"imported from `{file.name}` (sha256 {digest}), which takes {wanted.layout} "
        f"{wanted.colour}, (pixel / {wanted.scale:g} - {list(wanted.mean)}) / {list(wanted.std)}"
    )
    return Publication(
        name=card.name,
        version=card.version,
        provenance=Provenance(
            commit=commit,
            data=card.data,
            protocol="not measured here",
            rank_1=None,
            mean_average_precision=None,
            exporter=dict(importer_versions()),
            data_licence=card.data_licence,
            network=network,
        ),
        card=lambda manifest: model_card(manifest, card, MeasuredResults()),
    )


def importer_versions() -> Mapping[str, str]:
    """Versions of the packages that decide what the import writes and the gate draws."""
    packages = ("onnx", "onnxruntime", "openvino", "numpy", "pillow")
    return {name: installed_version(name) for name in packages}
