"""Measures a plan on this machine: whether it holds parity, and how many items it runs a second."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from model.manifest import ArtifactError
from service.batching.backend import Backend
from service.inference.artifact import Artifact
from service.inference.golden_clip import reproduce_golden
from service.inference.graph import Graph, ProviderError
from service.inference.lanes import open_lanes
from service.inference.plan import InferencePlan
from service.inference.tracklet_items import tracklet_items

_WINDOWS = 3
"""Of which the best counts: whatever else runs on the machine only ever slows a window down."""
_WINDOW_S = 0.25
_BATCHES_OF_WINDOW = 32
"""A model of microseconds is known by then."""


class Measured(BaseModel):
    """What came of trying one plan.

    Attributes:
        plan: What was tried.
        items_per_s: By all lanes together, at the largest batch; None where it was refused.
        cosine: Of the golden clip; None where it was refused.
        refused: Why it cannot serve, or None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: InferencePlan
    items_per_s: float | None = None
    cosine: float | None = None
    refused: str | None = None


def measure(
    artifact: Artifact, graph: Graph, plans: Sequence[InferencePlan], engine_dir: Path
) -> list[Measured]:
    """Try plans that differ in their batch sizes only, on lanes that are opened once.

    A plan that cannot be opened, or does not hold parity, is told as refused and not raised.
    """
    largest = max(plans, key=lambda plan: plan.largest_batch)
    try:
        lanes = open_lanes(graph, largest, engine_dir)
    except (ArtifactError, ProviderError) as error:
        return [Measured(plan=plan, refused=str(error)) for plan in plans]
    try:
        return _measured(lanes, artifact, plans)
    finally:
        for lane in lanes:
            lane.close()


def _measured(
    lanes: Sequence[Backend], artifact: Artifact, plans: Sequence[InferencePlan]
) -> list[Measured]:
    """Each in turn in every window, so that a noisy moment is nobody's alone."""
    cosines: dict[InferencePlan, float] = {}
    rates: dict[InferencePlan, float] = {}
    refusals: dict[InferencePlan, str] = {}
    for plan in [*plans] * _WINDOWS:
        if plan in refusals:
            continue
        size = plan.largest_batch
        try:
            if plan not in cosines:
                cosines[plan] = min(reproduce_golden(lane, artifact, size) for lane in lanes)
            rate = _items_per_s(lanes, batch_of(artifact, size))
        except Exception as error:  # noqa: BLE001 - a runtime raises classes of its own
            refusals[plan] = str(error)
            continue
        rates[plan] = max(rate, rates.get(plan, 0.0))
    return [
        Measured(plan=plan, refused=refusals[plan])
        if plan in refusals
        else Measured(plan=plan, items_per_s=rates[plan], cosine=cosines[plan])
        for plan in plans
    ]


def batch_of(artifact: Artifact, size: int) -> NDArray[np.uint8]:
    """So many items of the golden clip, from its first on again where it has fewer."""
    items = tracklet_items(artifact.golden_clip, artifact.manifest)
    return items[np.arange(size) % len(items)]


def _items_per_s(lanes: Sequence[Backend], items: NDArray[np.uint8]) -> float:
    """All lanes at once, each on its own thread, in one window."""
    for lane in lanes:
        lane.run(items)

    def run(lane: Backend) -> float:
        started_s = time.perf_counter()
        batches, elapsed_s = 0, 0.0
        while batches < _BATCHES_OF_WINDOW and elapsed_s < _WINDOW_S:
            lane.run(items)
            batches += 1
            elapsed_s = time.perf_counter() - started_s
        return batches * len(items) / elapsed_s

    with ThreadPoolExecutor(len(lanes), "probe") as pool:
        return sum(pool.map(run, lanes))
