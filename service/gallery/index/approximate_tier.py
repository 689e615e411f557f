"""The approximate tier of one gallery: at most one base, published only while it finds enough."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import EVERYTHING, Filter
from service.gallery.index.ann import AnnBase, GraphShape, build_base, narrowed
from service.gallery.index.canary import Canary
from service.gallery.index.planner import Mode, SwitchPoints, is_base_due, may_approximate
from service.gallery.index.recall_gate import Recall, measured_recall, recall_of
from service.gallery.index.selection import Selection
from service.gallery.index.view import View

TierState = Literal["none", "published", "refused", "given_up"]

_HELD_BACK = 256
"""Rows left out of a base to judge it by; they are scanned exactly, like those that came later."""

_LEAST_STEP = 32
"""At most one row in so many is left out, so that none is missed enough to build anew."""


@dataclass(frozen=True, slots=True)
class TierStatus:
    """What the tier is doing, for metrics.

    Attributes:
        state: `refused` by the recall gate, or `given_up` when the canary had died; then every
            search is exact until the gallery has changed enough for another attempt.
        rows: In the base.
        recall: Of the last attempt, as the gate measured it.
        canary_recall: Of the last real searches; None before the first.
    """

    state: TierState
    rows: int
    recall: Recall | None
    canary_recall: float | None


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """What became of the last base that was built; it is gone unless the state is published."""

    state: TierState
    base: AnnBase | None
    tracklets: int
    recall: Recall
    canary: Canary


class ApproximateTier:
    """Any thread may ask and drop; one thread calls `refresh` now and then.

    Args:
        points: Where to switch.
        shape: Of the graph.
        threads: Of building it.
    """

    def __init__(
        self, points: SwitchPoints, *, shape: GraphShape | None = None, threads: int = 1
    ) -> None:
        self._points = points
        self._shape = shape or GraphShape()
        self._threads = threads
        self._attempt: _Attempt | None = None
        self._building: AnnBase | None = None
        self._lock = threading.Lock()
        self._generation = 0

    def base_for(self, view: View, selection: Selection, mode: Mode) -> AnnBase | None:
        """The base that may answer this search; None where it is to be exact."""
        attempt = self._attempt
        if attempt is None or attempt.base is None:
            return None
        selected, held = selection.count, view.state.tracklets
        allowed = may_approximate(self._points, mode, selected=selected, held=held)
        return attempt.base if allowed else None

    def heard(self, query: NDArray[np.float32], tree: Filter, k: int) -> None:
        """Let the canary hear of a search of query [d] that the base answered."""
        attempt = self._attempt
        if attempt is not None and attempt.base is not None:
            attempt.canary.hear(query, tree, k)

    def refresh(self, view: Callable[[], View], *, now_s: float) -> None:
        """Repeat the searches that the canary took, and build a base where one is due.

        Args:
            view: The newest view, whenever it is called; none is kept for long.
            now_s: Unix seconds, for what has expired.
        """
        self._sing(view, now_s)
        attempt = self._attempt
        if attempt is None or attempt.base is not None:
            due = self._is_due(view(), attempt)
        else:
            changed = abs(view().state.tracklets - attempt.tracklets)
            due = changed > self._points.rebuild_share * attempt.tracklets
        if due:
            self._build(view)

    def forget_dead(self, view: View) -> None:
        """Overwrite what the tier keeps of rows that no longer live in the newest view.

        The codes of their embeddings, in the base and in one that is being built, and the queries
        that the canary waits to repeat.
        """
        attempt, building = self._attempt, self._building
        if attempt is not None:
            attempt.canary.forget()
        for base in {building, None if attempt is None else attempt.base}:
            if base is not None:
                base.forget_dead(view)

    def drop(self) -> None:
        """Forget the base, and what is being built, altogether."""
        with self._lock:
            self._generation += 1
            attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.canary.forget()
            if attempt.base is not None:
                attempt.base.erase()

    def status(self) -> TierStatus:
        """As it stands."""
        attempt = self._attempt
        if attempt is None:
            return TierStatus("none", 0, None, None)
        rows = 0 if attempt.base is None else attempt.base.rows
        return TierStatus(attempt.state, rows, attempt.recall, attempt.canary.recall)

    def _is_due(self, view: View, attempt: _Attempt | None) -> bool:
        held, covered, built = view.state.tracklets, 0, 0
        if attempt is not None and attempt.base is not None:
            everything = view.select(EVERYTHING, now_s=-math.inf)
            covered = attempt.base.split(view, everything)[0].count
            built = attempt.base.rows
        return is_base_due(self._points, held=held, covered=covered, built=built)

    def _build(self, view: Callable[[], View]) -> None:
        generation = self._generation

        def is_wanted() -> bool:
            return generation == self._generation

        now = view()
        tracklets, selection = now.state.tracklets, _most_rows(now)
        segments = [part.segment for part in now.parts]
        del now
        try:
            base = build_base(
                selection,
                segments,
                shape=self._shape,
                threads=self._threads,
                is_wanted=is_wanted,
                begun=self._begun,
            )
            share = self._points.least_share
            recall = (
                None
                if base is None
                else measured_recall(base, view, least_share=share, is_wanted=is_wanted)
            )
            if base is not None and recall is not None:
                self._publish(self._judged(base, tracklets, recall), generation)
        finally:
            self._building = None

    def _begun(self, base: AnnBase) -> None:
        self._building = base

    def _judged(self, base: AnnBase, tracklets: int, recall: Recall) -> _Attempt:
        passed = recall.least >= self._points.recall_target
        canary = Canary(share=self._points.canary_share, floor=self._points.recall_floor)
        return _Attempt(
            "published" if passed else "refused",
            base if passed else None,
            tracklets,
            recall,
            canary,
        )

    def _publish(self, attempt: _Attempt, generation: int) -> None:
        """Put the attempt in place of the last one, unless that was dropped meanwhile."""
        with self._lock:
            if generation != self._generation:
                return
            before, self._attempt = self._attempt, attempt
        if before is not None:
            before.canary.forget()

    def _sing(self, view: Callable[[], View], now_s: float) -> None:
        generation, attempt = self._generation, self._attempt
        if attempt is None or attempt.base is None:
            return
        while (question := attempt.canary.next_question()) is not None:
            now = view()
            selection = now.select(question.tree, now_s=now_s)
            true = now.nearest(question.query[None], selection, question.k)[0]
            found = attempt.base.nearest(now, question.query, selection, question.k)
            attempt.canary.record(recall_of(found, true))
            question.query[:] = 0
        if not attempt.canary.is_alive:
            dead = _Attempt("given_up", None, attempt.tracklets, attempt.recall, attempt.canary)
            self._publish(dead, generation)


def _most_rows(view: View) -> Selection:
    """Nearly all rows; the others are held back."""
    everything = view.select(EVERYTHING, now_s=-math.inf)
    rows = everything.rows()
    back = rows[:: max(_LEAST_STEP, len(rows) // _HELD_BACK)]
    masks = []
    for mask, offset in zip(everything.masks, everything.offsets, strict=True):
        kept = mask.copy()
        kept[back[(back >= offset) & (back < offset + len(mask))] - offset] = False
        masks.append(kept)
    return narrowed(everything, masks)
