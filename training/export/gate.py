"""The gate: laws that a graph must keep before it is published, and wherever it is verified.

The graph takes batches of several sizes with different rows in them, keeps rows apart from each
other, leaves earlier results alone, says the same of every tracklet as its reference does, every
part by itself, and finds the same people in a small drawn gallery.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.manifest import OutputTensor
from model.stored_gate import Measured
from training.export.graph_runner import Features, Items, RunItems
from training.export.mini_gallery import DrawnGallery, answers
from training.export.tracklet_embedding import least_part_cosines

Precision = Literal["fp32", "fp16", "int8"]
SMALL_BATCHES = (1, 2, 7)
LARGEST_FRAMES = 64


class GateError(ValueError):
    """The graph breaks a law of the gate; nothing was published."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a graph may be from its reference.

    Attributes:
        least_cosine: Of every row and every tracklet, part by part.
        most_map_change: On the mini-gallery, in points of percent.
    """

    least_cosine: float
    most_map_change: float

    @property
    def remedy(self) -> str:
        """What to do about a graph that is farther away."""
        if self.least_cosine >= BOUNDS["fp32"].least_cosine:
            return "the graph is broken, do not publish it"
        return "choose a higher precision, quantize fewer operators, or with other frames"


BOUNDS: Mapping[Precision, Bounds] = MappingProxyType(
    {
        "fp32": Bounds(least_cosine=0.9999, most_map_change=0.1),
        "fp16": Bounds(least_cosine=0.999, most_map_change=0.1),
        "int8": Bounds(least_cosine=0.98, most_map_change=0.5),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What the graph is held against.

    Attributes:
        rows: [largest batch, d] of the first items; the graph's own where no network is at hand.
        embeddings: [tracklets, d] of the mini-gallery.
        mean_average_precision: On the mini-gallery, in percent.
    """

    rows: Features
    embeddings: NDArray[np.floating]
    mean_average_precision: float


def largest_batch(frames_per_clip: int | None) -> int:
    """The largest batch that the gate runs: 64 frames, or as many in clips, but 8 clips or more."""
    return LARGEST_FRAMES if frames_per_clip is None else max(8, LARGEST_FRAMES // frames_per_clip)


def pass_gate(
    run: RunItems,
    reference: Reference,
    *,
    gallery: DrawnGallery,
    output: OutputTensor,
    bounds: Bounds,
) -> Measured:
    """Try every law; returns what was measured.

    Raises:
        GateError: For the first law that is broken, by its name.
    """
    items = gallery.items[: len(reference.rows)]
    _require_distinct(items)
    least = min(
        _compare(reference.rows[:n], run(items[:n]), output, bounds, f"batch {n}")
        for n in (*SMALL_BATCHES, len(items))
    )
    _check_rows_differ(reference.rows)
    order = np.random.default_rng(0).permutation(len(items))
    _compare(run(items)[order], run(items[order]), output, bounds, "permuted rows")
    _check_no_aliasing(run, items)
    found = answers(run, gallery, output, largest=len(items))
    of_tracklets = _compare(
        reference.embeddings, found.embeddings, output, bounds, "the mini-gallery"
    )
    _check_retrieval(reference.mean_average_precision, found.mean_average_precision, bounds)
    return Measured(
        least_cosine=min(least, of_tracklets, 1.0),
        mean_average_precision=found.mean_average_precision,
    )


def _require_distinct(items: Items) -> None:
    distinct = len(np.unique(items.reshape(len(items), -1), axis=0))
    if distinct < len(items) or len(items) < max(SMALL_BATCHES):
        raise ValueError(
            f"expected at least {max(SMALL_BATCHES)} items, all different, to compare, received "
            f"{distinct} different of {len(items)}; draw other ones"
        )


def _compare(
    expected: NDArray[np.floating],
    received: NDArray[np.floating],
    output: OutputTensor,
    bounds: Bounds,
    where: str,
) -> float:
    if expected.shape != received.shape or not np.isfinite(received).all():
        raise GateError(
            f"expected finite features of shape {expected.shape} at {where}, received shape "
            f"{received.shape}; the graph is broken, do not publish it"
        )
    cosine = least_part_cosines(expected, received, output.parts)
    if not cosine.min() >= bounds.least_cosine:
        raise GateError(
            f"expected a cosine of at least {bounds.least_cosine} in every row at {where}, "
            f"received {cosine.min():.6f} in row {int(cosine.argmin())}; {bounds.remedy}"
        )
    return float(cosine.min())


def _check_rows_differ(features: Features) -> None:
    """A graph that says the same of every frame would pass all other laws."""
    if len(np.unique(features.round(4), axis=0)) < len(features):
        raise GateError(
            "expected different features for different frames, received equal rows; "
            "train the network further or check its input"
        )


def _check_no_aliasing(run: RunItems, items: Items) -> None:
    first = run(items[:2])
    kept = first.copy()
    run(items[2:4])
    if not np.array_equal(first, kept):
        raise GateError(
            "expected a result that later calls leave alone, received one that changed; "
            "copy outputs out of the runtime's buffers"
        )


def _check_retrieval(expected: float, received: float, bounds: Bounds) -> None:
    change = abs(received - expected)
    if not change <= bounds.most_map_change:
        raise GateError(
            f"expected a mAP within {bounds.most_map_change} points of {expected:.2f} on the "
            f"mini-gallery, received {received:.2f}; choose a higher precision, "
            "or quantize with other frames"
        )
