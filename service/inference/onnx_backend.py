"""ONNX Runtime on the CPU."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.manifest import Manifest
from service.inference.graph import Graph, open_session
from service.inference.runtime_failures import telling_apart


class OnnxBackend:
    """One lane on a session of ONNX Runtime.

    Args:
        session: Open on the CPU.
        manifest: Of the graph that it runs.
    """

    def __init__(self, session: onnxruntime.InferenceSession, manifest: Manifest) -> None:
        self._session = session
        self._manifest = manifest

    @property
    def name(self) -> str:
        """Runtime and the provider it says it uses."""
        return f"onnxruntime/{'+'.join(self._session.get_providers())}"

    @property
    def precision(self) -> str:
        """That of the graph, which the runtime keeps."""
        return self._manifest.graph.precision

    def run(self, items: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features float32 [n, d] of frames uint8 [n, h, w, 3] or clips uint8 [n, t, h, w, 3]."""
        with telling_apart():
            features: NDArray[np.float32] = self._session.run(
                [self._manifest.output.name],
                {self._manifest.input.name: np.ascontiguousarray(items)},
            )[0]
        return features

    def close(self) -> None:
        """The runtime frees what it holds with its session."""


def open_onnx_lanes(graph: Graph, *, lanes: int, threads: int) -> list[OnnxBackend]:
    """So many lanes of so many threads each.

    A session of one thread runs in the thread that calls it, so that all lanes share one and its
    weights; a session of more has a pool, which two callers would fight over.

    Raises:
        ArtifactError: When the graph does not load alone, or disagrees with the manifest.
    """
    sessions = [open_session(graph, threads=threads) for _ in range(1 if threads == 1 else lanes)]
    return [OnnxBackend(sessions[lane % len(sessions)], graph.manifest) for lane in range(lanes)]
