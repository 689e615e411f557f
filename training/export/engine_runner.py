"""Runs an engine through TensorRT, one batch at a time, as a service fills its batches."""

from typing import Self

import numpy as np
import torch

from training.export.graph_runner import Features, Items
from training.export.tensorrt_bindings import (
    ICudaEngine,
    IExecutionContext,
    IRuntime,
    TensorrtError,
)


class EngineRunner:
    """Items [n, …] → features [n, d], for any n.

    A batch is filled up with zeros to the next size that the engine is built for, and its rows are
    cut off again; more than the largest go one after another.

    Args:
        engine: On the device.
        batch_sizes: Ascending.
        dimension: d.
        device: Where memory is taken; the engine's own.
    """

    def __init__(
        self,
        engine: ICudaEngine,
        *,
        batch_sizes: tuple[int, ...],
        dimension: int,
        device: torch.device,
    ) -> None:
        context = engine.create_execution_context()
        if context is None:
            raise TensorrtError(
                "expected memory on the GPU for one run of the engine, received none; "
                "free memory there, or lower --batches"
            )
        self._engine = engine
        self._context: IExecutionContext = context
        self._sizes = batch_sizes
        self._dimension = dimension
        self._device = device

    @classmethod
    def load(
        cls,
        runtime: IRuntime,
        content: bytes,
        *,
        batch_sizes: tuple[int, ...],
        dimension: int,
        device: torch.device,
    ) -> Self:
        """Deserialise.

        Raises:
            TensorrtError: When the bytes are no engine that this GPU and version can run.
        """
        engine = runtime.deserialize_cuda_engine(content)
        if engine is None:
            raise TensorrtError(
                "expected an engine that TensorRT loads again, received one that it refuses; see "
                "what it said above, and build with the version that runs it"
            )
        return cls(engine, batch_sizes=batch_sizes, dimension=dimension, device=device)

    def __call__(self, items: Items) -> Features:
        """Run.

        Raises:
            TensorrtError: When the engine refuses a shape, or fails.
        """
        largest = self._sizes[-1]
        rows = [
            self._run(items[start : start + largest]) for start in range(0, len(items), largest)
        ]
        return np.concatenate(rows)

    def _run(self, items: Items) -> Features:
        size = next(size for size in self._sizes if size >= len(items))
        filled = np.zeros((size, *items.shape[1:]), dtype=np.uint8)
        filled[: len(items)] = items
        source = torch.from_numpy(filled).to(self._device)
        features = torch.zeros(size, self._dimension, dtype=torch.float32, device=self._device)
        if not self._context.set_input_shape(self._input_name(), filled.shape):
            raise TensorrtError(
                f"expected an engine that takes shape {filled.shape}, received one that does not; "
                "build it for these batch sizes"
            )
        if not self._context.execute_v2([source.data_ptr(), features.data_ptr()]):
            raise TensorrtError(
                f"expected features of {size} items, received a run that failed; "
                "see what TensorRT said above"
            )
        found: Features = features.cpu().numpy()[: len(items)]
        return found

    def _input_name(self) -> str:
        return self._engine.get_tensor_name(0)
