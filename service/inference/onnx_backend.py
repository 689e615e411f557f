"""ONNX Runtime on the CPU or a GPU, held to what the manifest says of the graph."""

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.manifest import ArtifactError, Manifest
from service.cpu_count import usable_cores

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_ERRORS_ONLY = 3


class ProviderError(ValueError):
    """The execution provider asked for cannot be had; says expected, received and remedy."""


class OnnxBackend:
    """One graph in one ONNX Runtime session.

    Args:
        graph: The graph's file; its digest must be the manifest's.
        manifest: Names, types and shapes of input and output.
        threads: Threads of one run; 0 takes the cores that this process may use.
        provider: `cpu` or `cuda`.

    Raises:
        ArtifactError: When the graph does not load alone, or disagrees with the manifest.
        ProviderError: When the runtime would run the graph on anything but `provider`.
    """

    def __init__(
        self, graph: Path, manifest: Manifest, *, threads: int, provider: str = "cpu"
    ) -> None:
        self._manifest = manifest
        wanted = _PROVIDERS[provider]
        _check_provider(wanted, onnxruntime.get_available_providers())
        onnxruntime.disable_telemetry_events()
        self._session = _open_session(graph, manifest, threads or usable_cores(), wanted)
        # Where its libraries do not load the runtime only warns, and takes the CPU.
        _check_provider(wanted, self._session.get_providers()[:1])
        _check_input(self._session.get_inputs(), manifest)
        _check_output(self._session.get_outputs(), manifest)

    @property
    def name(self) -> str:
        """Runtime and the provider it says it uses, for example `onnxruntime/CPU...`."""
        return f"onnxruntime/{'+'.join(self._session.get_providers())}"

    @property
    def precision(self) -> str:
        """That of the graph, which the runtime keeps."""
        return self._manifest.graph.precision

    def run(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features float32 [n, d] of frames uint8 [n, h, w, 3]."""
        features: NDArray[np.float32] = self._session.run(
            [self._manifest.output.name],
            {self._manifest.input.name: np.ascontiguousarray(frames)},
        )[0]
        return features

    def close(self) -> None:
        """The runtime frees what it holds with its session."""


def _check_provider(wanted: str, found: Sequence[str]) -> None:
    if wanted not in found:
        raise ProviderError(
            f"expected {wanted} of ONNX Runtime, received {', '.join(found)}; serve with the "
            "image for GPUs on a machine with one, or unset REID_INFERENCE_PROVIDER"
        )


def _open_session(
    graph: Path, manifest: Manifest, threads: int, provider: str
) -> onnxruntime.InferenceSession:
    content = graph.read_bytes()
    received = hashlib.sha256(content).hexdigest()
    expected = manifest.files[manifest.graph.file].sha256
    if received != expected:
        raise ArtifactError(
            f"expected {graph} with sha256 {expected}, received {received}; "
            "copy or export the artifact again"
        )
    # Weights outside the graph would be read unverified. The session gets the verified bytes, and
    # an empty directory as the only place where it may look for more.
    with tempfile.TemporaryDirectory() as nowhere:
        options = _session_options(threads)
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", nowhere
        )
        try:
            session = onnxruntime.InferenceSession(content, options, providers=[provider])
        except Exception as error:
            # The runtime's exceptions share no class of their own.
            raise ArtifactError(
                f"expected one self-contained ONNX graph in {graph}, received: {error}; "
                "export the artifact again without external data"
            ) from error
    session.disable_fallback()
    return session


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Idle threads that spin would take the cores from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A memory plan is kept for every shape ever seen, and the number of frames varies.
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS_ONLY
    return options


def _check_input(inputs: list[onnxruntime.NodeArg], manifest: Manifest) -> None:
    preprocessing = manifest.preprocessing
    fixed = {"h": preprocessing.height, "w": preprocessing.width, "c": 3}
    dynamic = manifest.input.dynamic
    wanted = [None if axis in dynamic else fixed.get(axis) for axis in manifest.input.axes]
    _check_tensor("input", inputs, _describe(manifest.input.name, "tensor(uint8)", wanted))


def _check_output(outputs: list[onnxruntime.NodeArg], manifest: Manifest) -> None:
    wanted = [None, manifest.output.dimension]
    _check_tensor("output", outputs, _describe(manifest.output.name, "tensor(float)", wanted))


def _check_tensor(kind: str, tensors: list[onnxruntime.NodeArg], expected: str) -> None:
    described = [_describe(tensor.name, tensor.type, tensor.shape) for tensor in tensors]
    if described != [expected]:
        raise ArtifactError(
            f"expected the graph's only {kind} to be {expected}, "
            f"received {', '.join(described) or 'none'}; export the artifact again"
        )


def _describe(name: str, kind: str, shape: Sequence[int | str | None]) -> str:
    axes = ["any" if not isinstance(size, int) else str(size) for size in shape]
    return f"{name} {kind} [{', '.join(axes)}]"
