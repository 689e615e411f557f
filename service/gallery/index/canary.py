"""Real searches repeated exactly: whether a base still finds what it found when it was judged."""

import itertools
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import Filter

_JUDGED_BY = 50
"""Last searches whose mean recall counts."""

_LEAST_JUDGED_BY = 20

_MOST_WAITING = 64


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """An approximate search to repeat: query [d], what was eligible, how many were asked for."""

    query: NDArray[np.float32]
    tree: Filter
    k: int


class Canary:
    """Takes a share of the searches, and is told how well they were answered.

    Args:
        share: Of the searches that are repeated.
        floor: Least mean recall; below it the canary is dead.
    """

    def __init__(self, *, share: float, floor: float) -> None:
        self._every = max(1, round(1 / share)) if share > 0 else 0
        self._floor = floor
        self._seen = itertools.count()
        self._questions: deque[Question] = deque(maxlen=_MOST_WAITING)
        self._recalls: deque[float] = deque(maxlen=_JUDGED_BY)

    def hear(self, query: NDArray[np.float32], tree: Filter, k: int) -> None:
        """Take note of an approximate search; of too many that wait the oldest are forgotten."""
        if self._every and next(self._seen) % self._every == 0:
            self._questions.append(Question(query.copy(), tree, k))

    def next_question(self) -> Question | None:
        """The search that has waited longest, if one does."""
        try:
            return self._questions.popleft()
        except IndexError:
            return None

    def record(self, recall: float) -> None:
        """Count how much of a repeated search had been found."""
        self._recalls.append(recall)

    @property
    def recall(self) -> float | None:
        """Mean of the last searches; None before the first."""
        return float(np.mean(self._recalls)) if self._recalls else None

    @property
    def is_alive(self) -> bool:
        """Whether recall has not stayed below the floor."""
        recall = self.recall
        return recall is None or len(self._recalls) < _LEAST_JUDGED_BY or recall >= self._floor

    def forget(self) -> None:
        """Overwrite the queries that wait: they may be embeddings of tracklets."""
        while (question := self.next_question()) is not None:
            question.query[:] = 0
