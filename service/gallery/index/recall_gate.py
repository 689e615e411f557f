"""What share of the true neighbours a base finds: measured before anybody relies on it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import EVERYTHING
from service.gallery.index.ann import AnnBase, narrowed
from service.gallery.index.selection import Selection
from service.gallery.index.view import Hit, View

NEIGHBOURS = 10
"""Of each query: the first page of an answer."""

_BATCHES = 16
_AT_ONCE = 16
"""Queries between two looks at the newest view, so that no view is kept for long."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Mean recall of searches of all rows, and of as small a share as a base may be asked for."""

    wide: float
    narrow: float

    @property
    def least(self) -> float:
        """The worse of the two."""
        return min(self.wide, self.narrow)


def recall_of(found: Sequence[Hit] | None, true: Sequence[Hit]) -> float:
    """Share of the true neighbours that were found; of equally similar rows any will do."""
    if not true:
        return 1.0
    least = true[-1].similarity
    return sum(hit.similarity >= least for hit in found or ()) / len(true)


def measured_recall(
    base: AnnBase,
    view: Callable[[], View],
    *,
    least_share: float,
    is_wanted: Callable[[], bool],
) -> Recall | None:
    """Recall at 10 among the rows of the base, asked by rows that are not in it.

    None when it is no longer wanted.

    Args:
        base: To judge.
        view: The newest view, whenever it is called.
        least_share: Of the rows, for narrow searches; the same ones every time.
        is_wanted: Asked every few queries.
    """
    chooser = np.random.default_rng(0)
    wide: list[float] = []
    narrow: list[float] = []
    for batch in range(_BATCHES):
        if not is_wanted():
            return None
        now = view()
        held, others = base.split(now, now.select(EVERYTHING, now_s=-math.inf))
        queries = now.embeddings(others.rows()[batch::_BATCHES][:_AT_ONCE])
        wide += _recalls(base, now, queries, held)
        narrow += _recalls(base, now, queries, _some(held, least_share, chooser))
        # What is freed stays readable in the memory of the process.
        queries[:] = 0
    return Recall(_mean(wide), _mean(narrow))


def _recalls(
    base: AnnBase, view: View, queries: NDArray[np.float32], selection: Selection
) -> list[float]:
    true = view.nearest(queries, selection, NEIGHBOURS)
    return [
        recall_of(base.nearest(view, query, selection, NEIGHBOURS), expected)
        for query, expected in zip(queries, true, strict=True)
    ]


def _some(selection: Selection, share: float, chooser: np.random.Generator) -> Selection:
    masks = [mask & (chooser.random(len(mask)) < share) for mask in selection.masks]
    return narrowed(selection, masks)


def _mean(recalls: Sequence[float]) -> float:
    """Nothing where nobody was left to ask: then nothing is known of the base."""
    return sum(recalls) / len(recalls) if recalls else 0.0
