"""What an evaluation found: one row per valid query, and every dropped one with its reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.matching import REMEDIES
from training.evaluation.ranking_rules import RankingRules

RANKS = (1, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class DroppedQuery:
    """A query that no gallery tracklet could answer, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class RetrievalResult:
    """Scores of q valid queries, as fractions of 1.

    Attributes:
        names: [q], the valid queries in the order they were given.
        average_precisions: [q].
        first_ranks: [q], rank of the first right match; 1 is the top.
        inverse_penalties: [q], right matches ÷ rank of the last of them (the INP of mINP).
        positives: [q], right matches in the gallery.
        dropped: Queries that do not count, each with its reason.
        gallery: Gallery tracklets, junk not counted.
        rules: How they were ranked.
    """

    names: NDArray[np.str_]
    average_precisions: NDArray[np.float64]
    first_ranks: NDArray[np.int64]
    inverse_penalties: NDArray[np.float64]
    positives: NDArray[np.int64]
    dropped: tuple[DroppedQuery, ...]
    gallery: int
    rules: RankingRules

    @property
    def valid_queries(self) -> int:
        """Queries that count."""
        return len(self.names)

    @property
    def mean_average_precision(self) -> float:
        """Mean of the average precisions."""
        return float(np.mean(self.average_precisions))

    @property
    def mean_inverse_penalty(self) -> float:
        """Mean inverse negative penalty, mINP (Ye et al. 2021, Eq. 8)."""
        return float(np.mean(self.inverse_penalties))

    @property
    def cmc(self) -> dict[int, float]:
        """Fraction of queries with a right match among the first k, keyed by k."""
        return {k: float(np.mean(self.first_ranks <= k)) for k in RANKS}

    def cmc_curve(self, ranks: int) -> NDArray[np.float64]:
        """The same for every k from 1 to `ranks`: [ranks]."""
        at_rank = np.bincount(self.first_ranks, minlength=ranks + 1)
        return np.cumsum(at_rank)[1 : ranks + 1] / self.valid_queries

    def metrics(self) -> dict[str, float]:
        """The numbers that are reported, by their names."""
        return {
            **{f"rank{k}": value for k, value in self.cmc.items()},
            "mAP": self.mean_average_precision,
            "mINP": self.mean_inverse_penalty,
        }

    def dropped_by_reason(self) -> dict[str, int]:
        """How many queries were dropped for each reason, the commonest first."""
        return dict(Counter(query.reason for query in self.dropped).most_common())


def merge_results(parts: Sequence[RetrievalResult]) -> RetrievalResult:
    """One result of several over different queries, as if they had been asked at once.

    Raises:
        ValueError: When the parts were ranked by other rules or against another gallery, or when
            they share a query.
    """
    first = parts[0]
    for part in parts:
        if (part.gallery, part.rules) != (first.gallery, first.rules):
            raise ValueError(
                f"expected parts ranked against {first.gallery} tracklets by {first.rules!r}, "
                f"received {part.gallery} by {part.rules!r}; merge parts of one evaluation"
            )
    names = np.concatenate([part.names for part in parts])
    if len(np.unique(names)) != len(names):
        raise ValueError(
            f"expected every query in one part, received {len(names)} rows of "
            f"{len(np.unique(names))} queries; split the queries without overlap"
        )
    return RetrievalResult(
        names=names,
        average_precisions=np.concatenate([part.average_precisions for part in parts]),
        first_ranks=np.concatenate([part.first_ranks for part in parts]),
        inverse_penalties=np.concatenate([part.inverse_penalties for part in parts]),
        positives=np.concatenate([part.positives for part in parts]),
        dropped=tuple(query for part in parts for query in part.dropped),
        gallery=first.gallery,
        rules=first.rules,
    )


def require_a_valid_query(result: RetrievalResult) -> None:
    """Refuse a result without scores.

    Raises:
        ValueError: When every query was dropped; it says how many, why, and what changes it.
    """
    if result.valid_queries:
        return
    counts = result.dropped_by_reason()
    reasons = "; ".join(
        f"{count} because {reason} ({REMEDIES[reason]})" for reason, count in counts.items()
    )
    raise ValueError(
        f"expected a query with a right match in the gallery, received {len(result.dropped)} "
        f"queries, all dropped: {reasons or 'there are no queries'}"
    )
