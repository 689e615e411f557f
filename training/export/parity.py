"""Is the graph the network? Checked row by row, before anything is published (style: laws)."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from model.tracklet_network import TrackletNetwork
from training.export.frame_graph import FrameGraph
from training.export.to_onnx import INPUT_NAME

BATCHES = (1, 2, 7, 64)
LEAST_COSINE = 0.9999

Frames = NDArray[np.uint8]
Features = NDArray[np.float32]
RunFrames = Callable[[Frames], Features]


class ParityError(ValueError):
    """The exported graph does not compute what the network computes; nothing was published."""


def onnx_runner(path: Path) -> RunFrames:
    """Run the graph at `path` with ONNX Runtime on the CPU."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(frames: Frames) -> Features:
        features: Features = session.run(None, {INPUT_NAME: frames})[0]
        return features

    return run


def torch_runner(network: TrackletNetwork) -> RunFrames:
    """Run the network itself, in evaluation mode."""
    graph = FrameGraph(network).eval()

    def run(frames: Frames) -> Features:
        with torch.inference_mode():
            features: Features = graph(torch.from_numpy(frames)).numpy()
        return features

    return run


def check_parity(
    expected: RunFrames, received: RunFrames, frames: Frames, *, widths: Sequence[int]
) -> float:
    """Compare at every batch of `BATCHES`, then permute and repeat; returns the least cosine.

    Every part is compared on its own, since the embedding gives all parts the same weight however
    wide they are.

    Args:
        expected: The network.
        received: The graph.
        frames: At least 64 different frames, uint8 [n, h, w, 3].
        widths: Columns of each part, in order.

    Raises:
        ParityError: For the first law that is broken.
        ValueError: When there are too few frames, or two are alike.
    """
    if len(np.unique(frames.reshape(len(frames), -1), axis=0)) < max(BATCHES):
        raise ValueError(
            f"expected {max(BATCHES)} different frames to compare, received fewer; add frames"
        )
    reference = expected(frames[: max(BATCHES)])
    least = min(
        _compare(reference[:n], received(frames[:n]), widths, f"batch {n}") for n in BATCHES
    )
    _check_rows_differ(reference)
    _check_permutation(received, frames[: max(BATCHES)], widths)
    _check_no_aliasing(received, frames)
    return least


def _compare(expected: Features, received: Features, widths: Sequence[int], where: str) -> float:
    if expected.shape != received.shape or not np.isfinite(received).all():
        raise ParityError(
            f"expected finite features of shape {expected.shape} at {where}, received shape "
            f"{received.shape}; the export is broken, do not publish it"
        )
    cosine = _least_part_cosines(expected, received, widths)
    if cosine.min() < LEAST_COSINE:
        raise ParityError(
            f"expected a cosine of at least {LEAST_COSINE} in every row at {where}, received "
            f"{cosine.min():.6f} in row {int(cosine.argmin())}; the export is broken, "
            "do not publish it"
        )
    return float(cosine.min())


def _check_rows_differ(features: Features) -> None:
    """A graph that says the same of every frame would pass all other laws."""
    if len(np.unique(features.round(4), axis=0)) < len(features):
        raise ParityError(
            "expected different features for different frames, received equal rows; "
            "train the network further or check its input"
        )


def _check_permutation(run: RunFrames, frames: Frames, widths: Sequence[int]) -> None:
    order = np.random.default_rng(0).permutation(len(frames))
    _compare(run(frames)[order], run(frames[order]), widths, "permuted rows")


def _check_no_aliasing(run: RunFrames, frames: Frames) -> None:
    first = run(frames[:2])
    kept = first.copy()
    run(frames[2:4])
    if not np.array_equal(first, kept):
        raise ParityError(
            "expected a result that later calls leave alone, received one that changed; "
            "copy outputs out of the runtime's buffers"
        )


def _least_part_cosines(
    expected: Features, received: Features, widths: Sequence[int]
) -> NDArray[np.float64]:
    """Per row the least cosine of its parts; a part without length has the cosine 0."""
    edges = np.cumsum(widths)[:-1]
    cosines = []
    for one, other in zip(
        np.split(expected.astype(np.float64), edges, axis=1),
        np.split(received.astype(np.float64), edges, axis=1),
        strict=True,
    ):
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        cosines.append(np.sum(one * other, axis=1) / np.maximum(lengths, np.finfo(float).tiny))
    least: NDArray[np.float64] = np.min(cosines, axis=0)
    return least
