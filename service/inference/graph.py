"""The artifact's graph as verified bytes, opened by ONNX Runtime and held to the manifest."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnxruntime

from model.manifest import ArtifactError, Manifest
from service.inference.artifact import Artifact

_ERRORS_ONLY = 3

ProviderOptions = Mapping[str, str]


class ProviderError(ValueError):
    """What should run the graph cannot be had; says expected, received and remedy."""


@dataclass(frozen=True)
class Graph:
    """The bytes of a graph whose digests are the manifest's.

    Attributes:
        path: The file that they were read from, for messages.
        content: What was verified; nothing is read from the file again.
        manifest: Names, types and shapes of input and output.
        weights: Of an OpenVINO IR, verified too; an ONNX graph has its own inside.
    """

    path: Path
    content: bytes
    manifest: Manifest
    weights: bytes | None = None

    @property
    def sha256(self) -> str:
        """Digest of `content`; where weights lie beside it, over both digests."""
        graph, *weights = (self.manifest.files[name].sha256 for name in self.manifest.graph.files)
        return hashlib.sha256("".join([graph, *weights]).encode()).hexdigest() if weights else graph

    @property
    def item_shape(self) -> tuple[int, ...]:
        """Of what a batch holds: a frame [h, w, 3], or a clip [t, h, w, 3]."""
        preprocessing = self.manifest.preprocessing
        frame = (preprocessing.height, preprocessing.width, 3)
        clip = preprocessing.frames_per_clip
        return frame if clip is None else (clip, *frame)


def read_graph(artifact: Artifact) -> Graph:
    """Read the graph, and its weights where they lie beside it, and check their digests.

    Raises:
        ArtifactError: When they are others than the manifest names.
    """
    manifest = artifact.manifest
    content, *weights = (
        _verified(artifact.directory / name, manifest.files[name].sha256)
        for name in manifest.graph.files
    )
    return Graph(artifact.graph, content, manifest, weights[0] if weights else None)


def _verified(path: Path, sha256: str) -> bytes:
    content = path.read_bytes()
    received = hashlib.sha256(content).hexdigest()
    if received != sha256:
        raise ArtifactError(
            f"expected {path} with sha256 {sha256}, received {received}; "
            "copy or export the artifact again"
        )
    return content


def require_runtime(graph: Graph, provider: str) -> None:
    """An OpenVINO IR is run by OpenVINO alone.

    Raises:
        ProviderError: When it should be run by something else.
    """
    if graph.manifest.graph.format == "openvino" and provider not in ("auto", "openvino"):
        raise ProviderError(
            f"expected OpenVINO to run {graph.path.name}, which is an IR of it, received the "
            f"provider {provider}, which runs ONNX graphs; unset REID_INFERENCE_PROVIDER, or "
            "import the model's ONNX file"
        )


def open_session(
    graph: Graph,
    *,
    threads: int,
    providers: Sequence[tuple[str, ProviderOptions]] = (("CPUExecutionProvider", {}),),
) -> onnxruntime.InferenceSession:
    """Open the graph, alone, on the first of `providers`; the others take what that one cannot.

    Raises:
        ArtifactError: When the graph does not load alone, or disagrees with the manifest.
        ProviderError: When the runtime would run the graph on anything but the first, or the graph
            is another runtime's.
    """
    wanted = providers[0][0]
    require_runtime(graph, wanted)
    _require_provider(wanted, onnxruntime.get_available_providers())
    onnxruntime.disable_telemetry_events()
    session = _load(graph, _session_options(threads), providers)
    session.disable_fallback()
    # Where its libraries do not load the runtime only warns, and takes the next.
    _require_provider(wanted, session.get_providers()[:1])
    _require_part(wanted, session)
    _require_tensors("input", session.get_inputs(), expected_input(graph))
    _require_tensors("output", session.get_outputs(), expected_output(graph.manifest))
    return session


def _require_provider(wanted: str, found: Sequence[str]) -> None:
    if wanted not in found:
        raise ProviderError(
            f"expected {wanted} of ONNX Runtime, received {', '.join(found)}; serve with the "
            "image for GPUs on a machine with one, or unset REID_INFERENCE_PROVIDER"
        )


def _require_part(wanted: str, session: onnxruntime.InferenceSession) -> None:
    """A provider that was had and runs nothing is none."""
    running = {part.ep_name for part in session.get_provider_graph_assignment_info()}
    if wanted not in running:
        raise ProviderError(
            f"expected {wanted} to run the graph, received a graph that runs on "
            f"{', '.join(sorted(running)) or 'nothing'}; choose another REID_INFERENCE_PROVIDER"
        )


def _load(
    graph: Graph,
    options: onnxruntime.SessionOptions,
    providers: Sequence[tuple[str, ProviderOptions]],
) -> onnxruntime.InferenceSession:
    # Weights outside the graph would be read unverified. The session gets the verified bytes, and
    # an empty directory as the only place where it may look for more.
    with tempfile.TemporaryDirectory() as nowhere:
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", nowhere
        )
        named = [(name, dict(chosen)) for name, chosen in providers]
        try:
            return onnxruntime.InferenceSession(graph.content, options, providers=named)
        except Exception as error:
            # The runtime's exceptions share no class of their own.
            raise ArtifactError(
                f"expected one self-contained ONNX graph in {graph.path}, received: {error}; "
                "export the artifact again without external data"
            ) from error


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Idle threads that spin would take the cores from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    # A memory plan is kept for every shape ever seen, and the number of frames varies.
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS_ONLY
    return options


def expected_input(graph: Graph, kind: str = "tensor(uint8)") -> str:
    """What the manifest says of the input; `kind` is how a runtime writes its type."""
    return describe_tensor(graph.manifest.input.name, kind, [None, *graph.item_shape])


def expected_output(manifest: Manifest, kind: str = "tensor(float)") -> str:
    """What the manifest says of the output; `kind` is how a runtime writes its type."""
    return describe_tensor(manifest.output.name, kind, [None, manifest.output.dimension])


def _require_tensors(kind: str, tensors: list[onnxruntime.NodeArg], expected: str) -> None:
    described = [describe_tensor(tensor.name, tensor.type, tensor.shape) for tensor in tensors]
    if described != [expected]:
        raise ArtifactError(
            f"expected the graph's only {kind} to be {expected}, "
            f"received {', '.join(described) or 'none'}; export the artifact again"
        )


def describe_tensor(name: str, kind: str, shape: Sequence[int | str | None]) -> str:
    """Name, type and shape in one form, whichever runtime told them."""
    axes = ["any" if not isinstance(size, int) else str(size) for size in shape]
    return f"{name} {kind} [{', '.join(axes)}]"
