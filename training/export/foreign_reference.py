"""What an imported graph must compute: the user's own file, run as it came by its own runtime."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.export.foreign_input import ForeignInput
from training.export.foreign_tensor import ForeignTensor
from training.export.graph_runner import Features, Items, RunItems

RunOriginal = Callable[[NDArray[np.generic]], NDArray[np.generic]]
"""The graph as it came: its own input, already as it wants it → its output."""


def foreign_reference(run: RunOriginal, tensor: ForeignTensor, wanted: ForeignInput) -> RunItems:
    """Frames uint8 RGB [n, h, w, 3] → features float32 [n, d], preprocessed by numpy.

    A graph of a fixed batch is run on so many frames at a time, the last filled up by zeros.
    """

    def features(items: Items) -> Features:
        values = wanted.values(items).astype(tensor.kind)
        count, batch = len(values), tensor.fixed_batch or len(values)
        rows = []
        for start in range(0, count, batch):
            part = values[start : start + batch]
            filled = np.concatenate(
                [part, np.zeros((batch - len(part), *part.shape[1:]), part.dtype)]
            )
            rows.append(run(filled)[: len(part)])
        found = np.concatenate(rows).astype(np.float32).reshape(count, -1)
        if wanted.normalise_frames:
            found = found / np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found, dtype=np.float32)

    return features


def embedding_shape(
    run: RunOriginal, tensor: ForeignTensor, wanted: ForeignInput, size: tuple[int, int]
) -> tuple[int, ...]:
    """Shape of a frame's feature, seen by running the graph: [d], or [d, 1, 1] and the like.

    Raises:
        ValueError: When the graph does not run on frames of that size, or its output is no row of
            numbers per frame.
    """
    batch = tensor.fixed_batch or 1
    frames = np.full((batch, *size, 3), 127, np.uint8)
    try:
        found = run(wanted.values(frames).astype(tensor.kind))
    except Exception as error:  # runtimes raise classes of their own
        raise ValueError(
            f"expected a graph that runs on {batch} frames of {size[0]}x{size[1]}, received: "
            f"{error}; check --size and --input-layout"
        ) from error
    if found.ndim < 2 or len(found) != batch or any(side != 1 for side in found.shape[2:]):
        raise ValueError(
            f"expected an output of one row of numbers per frame, [{batch}, d], received "
            f"{list(found.shape)}; name the embedding with --output-name"
        )
    return tuple(found.shape[1:])


def require_any_batch(
    run: RunItems, reference: RunItems, tensor: ForeignTensor, size: tuple[int, int]
) -> None:
    """Two frames at once must give what each gives alone, where the graph took a fixed number.

    Raises:
        ValueError: When the number is fixed inside the graph as well.
    """
    if tensor.fixed_batch is None:
        return
    frames = np.random.default_rng(0).integers(0, 256, (3, *size, 3), dtype=np.uint8)
    expected = reference(frames)
    said = "other features than for each frame alone"
    try:
        if np.allclose(run(frames), expected, rtol=1e-2, atol=1e-2 * float(np.abs(expected).max())):
            return
    except Exception as error:  # noqa: BLE001 - runtimes raise classes of their own
        said = str(error)
    raise ValueError(
        f"expected a graph of any number of frames, received {tensor}, whose number is fixed "
        f"inside the graph too: {said}; export it again with a dynamic first axis"
    )
