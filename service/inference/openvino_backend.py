"""OpenVINO on the CPU: the same graph by another maker's kernels, in bf16 where the CPU has it."""

import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.manifest import ArtifactError, Manifest
from service.inference.graph import (
    Graph,
    ProviderError,
    describe_tensor,
    expected_input,
    expected_output,
    open_session,
)
from service.inference.plan import Precision
from service.inference.runtime_failures import telling_apart

if TYPE_CHECKING:
    import openvino

_DEVICE = "CPU"
_HINTS: dict[Precision, str] = {"bf16": "bf16", "fp16": "f16"}


class OpenvinoBackend:
    """One lane: a request of a compiled graph, whose weights all lanes share.

    Args:
        request: Of the compiled graph, for this lane alone.
        manifest: Of the graph.
        precision: In which it really runs.
    """

    def __init__(
        self, request: "openvino.InferRequest", manifest: Manifest, precision: Precision
    ) -> None:
        self._request = request
        self._input = manifest.input.name
        self._precision = precision

    @property
    def name(self) -> str:
        """Runtime and device."""
        return f"openvino/{_DEVICE}"

    @property
    def precision(self) -> str:
        """In which the graph was compiled."""
        return self._precision

    def run(self, items: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features float32 [n, d] of frames uint8 [n, h, w, 3] or clips uint8 [n, t, h, w, 3]."""
        with telling_apart():
            rows = np.ascontiguousarray(items)
            outputs = self._request.infer(
                {self._input: rows}, share_inputs=True, share_outputs=True
            )
        # The request writes its next output into the same memory.
        return np.array(outputs[0], dtype=np.float32)

    def close(self) -> None:
        """The runtime frees what it holds with its last request."""


def reduced_precisions() -> list[Precision]:
    """Those below fp32 that this CPU computes in by instructions of its own."""
    offered = _runtime().Core().get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
    return [precision for precision in _HINTS if precision.upper() in offered]


def open_openvino_lanes(
    graph: Graph, *, lanes: int, threads: int, precision: Precision
) -> list[OpenvinoBackend]:
    """So many lanes of so many threads each, in the graph's own precision or a reduced one.

    Raises:
        ArtifactError: When the graph does not load alone, or disagrees with the manifest.
        ProviderError: When this CPU does not compute in `precision`.
    """
    if graph.weights is None:
        # This runtime reads weights beside the working directory where the graph names some. The
        # other one opens the graph in an empty directory, and compares it with the manifest.
        open_session(graph, threads=1)
    hint = "f32" if precision == graph.manifest.graph.precision else _HINTS[precision]
    compiled = _compile(
        graph,
        {
            "INFERENCE_PRECISION_HINT": hint,
            "NUM_STREAMS": lanes,
            "INFERENCE_NUM_THREADS": lanes * threads,
            # Pinned, the threads of two processes of one host would share the first cores.
            "ENABLE_CPU_PINNING": False,
        },
    )
    if graph.weights is not None:
        _require_tensors("input", compiled.inputs, expected_input(graph, "u8"))
        _require_tensors("output", compiled.outputs, expected_output(graph.manifest, "f32"))
    _require_hint(hint, compiled)
    return [
        OpenvinoBackend(compiled.create_infer_request(), graph.manifest, precision)
        for _ in range(lanes)
    ]


def _compile(graph: Graph, options: dict[str, str | int | bool]) -> "openvino.CompiledModel":
    try:
        core = _runtime().Core()
        verified = [graph.content] if graph.weights is None else [graph.content, graph.weights]
        return core.compile_model(core.read_model(*verified), _DEVICE, options)
    except Exception as error:
        # The runtime's exceptions share no class of their own.
        other = "choose REID_INFERENCE_PROVIDER=cpu"
        remedy = other if graph.weights is None else "import the model's graph again"
        raise ProviderError(
            f"expected OpenVINO to compile {graph.path}, received: {error}; {remedy}"
        ) from error


def _require_tensors(kind: str, ports: Sequence["openvino.Output"], expected: str) -> None:
    described = [
        describe_tensor(
            min(port.get_names(), default="a nameless one"),
            port.element_type.get_type_name(),
            [None if size.is_dynamic else size.get_length() for size in port.partial_shape],
        )
        for port in ports
    ]
    if described != [expected]:
        raise ArtifactError(
            f"expected the graph's only {kind} to be {expected}, "
            f"received {', '.join(described) or 'none'}; import the graph again"
        )


def _require_hint(hint: str, compiled: "openvino.CompiledModel") -> None:
    """The runtime computes in fp32 without a word where the CPU has no such instructions."""
    received = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if received != hint:
        raise ProviderError(
            f"expected OpenVINO to compute in {hint}, received {received} on this CPU; "
            "unset REID_INFERENCE_PRECISION"
        )


@cache
def _runtime() -> ModuleType:
    # On import the package imports its converter, which reports the import to its maker and writes
    # into the home directory. Without the converter it goes on; it is of no use here.
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
    return import_module("openvino")  # A third of a second, which only its users pay.
