"""ONNX Runtime on a device with memory of its own: fixed buffers there, one per batch size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.inference.graph import Graph
from service.inference.plan import Precision
from service.inference.runtime_failures import telling_apart


@dataclass(frozen=True)
class Device:
    """Where buffers lie: `cuda` and the number of the device, or `cpu`."""

    kind: Literal["cuda", "cpu"]
    number: int = 0


@dataclass(frozen=True)
class _Binding:
    """Buffers of one batch size, bound to the session."""

    host: NDArray[np.uint8]
    items: onnxruntime.OrtValue
    features: onnxruntime.OrtValue
    io: onnxruntime.IOBinding


class BoundBackend:
    """One lane that owns a session and its buffers on one device.

    A batch is filled up with zeros to the next batch size, whose rows are cut off again: a runtime
    that compiles for shapes sees those of `batch_sizes` only, and memory is allocated once.

    Args:
        session: Open on the device.
        graph: What it runs.
        precision: In which it computes.
        batch_sizes: Ascending; larger batches are refused.
        device: Where the buffers are.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        graph: Graph,
        *,
        precision: Precision,
        batch_sizes: Sequence[int],
        device: Device,
    ) -> None:
        self._session = session
        self._graph = graph
        self._precision = precision
        self._batch_sizes = tuple(batch_sizes)
        self._device = device
        self._bindings: dict[int, _Binding] = {}

    @property
    def name(self) -> str:
        """Runtime, its providers and the device."""
        providers = "+".join(self._session.get_providers())
        return f"onnxruntime/{providers}:{self._device.number}"

    @property
    def precision(self) -> str:
        """In which the device computes."""
        return self._precision

    def run(self, items: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features float32 [n, d] of frames uint8 [n, h, w, 3] or clips uint8 [n, t, h, w, 3].

        Raises:
            ValueError: When they are more than the largest batch, or of another shape.
        """
        count = len(items)
        if count > self._batch_sizes[-1] or items.shape[1:] != self._graph.item_shape:
            shape = ", ".join(map(str, self._graph.item_shape))
            raise ValueError(
                f"expected at most {self._batch_sizes[-1]} items [{shape}], "
                f"received {list(items.shape)}; make batches as the plan says"
            )
        with telling_apart():
            binding = self._binding(next(size for size in self._batch_sizes if size >= count))
            binding.host[:count] = items
            binding.host[count:] = 0
            binding.items.update_inplace(binding.host)
            self._session.run_with_iobinding(binding.io)
            # A copy: where the buffer is in main memory the next batch is written over it.
            return np.array(binding.features.numpy()[:count], dtype=np.float32)

    def close(self) -> None:
        """Give the buffers back; the session goes with its last lane."""
        self._bindings.clear()

    def _binding(self, size: int) -> _Binding:
        """Made when the size is first run, which warming does."""
        if size not in self._bindings:
            self._bindings[size] = self._bound(size)
        return self._bindings[size]

    def _bound(self, size: int) -> _Binding:
        manifest = self._graph.manifest
        place = (self._device.kind, self._device.number)
        host = np.zeros((size, *self._graph.item_shape), np.uint8)
        allocate = onnxruntime.OrtValue.ortvalue_from_shape_and_type
        items = allocate(list(host.shape), np.uint8, *place)
        features = allocate([size, manifest.output.dimension], np.float32, *place)
        io = self._session.io_binding()
        io.bind_ortvalue_input(manifest.input.name, items)
        io.bind_ortvalue_output(manifest.output.name, features)
        return _Binding(host, items, features, io)
