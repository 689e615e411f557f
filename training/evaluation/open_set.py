"""Who is this, or nobody we know? DIR@FAR at rank 1 (1 - FNIR at FPIR), for the open set.

A probe is known where the gallery holds a right match for it and unknown where it holds none. A
threshold is read from the unknown probes' highest similarities, so that at most the asked share of
them is taken for somebody; the detection and identification rate is the share of known probes whose
nearest tracklet is right and reaches that threshold (Phillips et al., Handbook of Face Recognition,
2011, chapter 21).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.exact_similarity import similarity_rows
from training.evaluation.matching import Matching
from training.evaluation.ranking_rules import DISTRACTOR, JUNK, RankingRules

RATES = (1e-1, 1e-2, 1e-3)


@dataclass(frozen=True, slots=True)
class OpenSetPoint:
    """One working point; a probe is taken for somebody where its similarity reaches the threshold.

    Attributes:
        asked_rate: The false-accept rate that was asked for.
        threshold: The lowest that keeps to it.
        false_accept_rate: The share of unknown probes it takes for somebody.
        detection_rate: DIR, the share of known probes it names rightly.
    """

    asked_rate: float
    threshold: float
    false_accept_rate: float
    detection_rate: float


@dataclass(frozen=True, slots=True)
class OpenSetResult:
    """DIR@FAR at the rates that the unknown probes can resolve.

    Attributes:
        known: Probes with a right match in the gallery.
        unknown: Probes without.
        gallery: Tracklets searched; false accepts grow with them.
        points: One per rate of at least one unknown probe, the highest first.
        unresolved_rates: Rates below 1 ÷ `unknown`, which cannot be told from 0 with so few.
    """

    known: int
    unknown: int
    gallery: int
    points: tuple[OpenSetPoint, ...]
    unresolved_rates: tuple[float, ...]


def evaluate_open_set(
    query: EmbeddingTable,
    gallery: EmbeddingTable,
    rules: RankingRules | None = None,
    *,
    rates: tuple[float, ...] = RATES,
) -> OpenSetResult:
    """DIR@FAR of all queries that ask about somebody.

    Raises:
        ValueError: When there are no known or no unknown probes, or a rate is not between 0 and 1.
    """
    if not all(0 < rate < 1 for rate in rates):
        raise ValueError(
            f"expected false-accept rates between 0 and 1, received {rates}; 0.01 is one in 100"
        )
    mated, hits, unmated = _highest(query, gallery, rules or RankingRules())
    if not len(unmated) or not len(mated):
        raise ValueError(
            "expected queries with and without a right match in the gallery, received "
            f"{len(mated)} with and {len(unmated)} without; take some people out of the gallery, "
            "as make_unknown does, and leave some in"
        )
    resolved = [rate for rate in sorted(rates, reverse=True) if _allowed(rate, unmated) >= 1]
    return OpenSetResult(
        known=len(mated),
        unknown=len(unmated),
        gallery=int(np.sum(gallery.identities != JUNK)),
        points=tuple(_point(rate, mated, hits, unmated) for rate in resolved),
        unresolved_rates=tuple(sorted(set(rates) - set(resolved), reverse=True)),
    )


def make_unknown(
    query: EmbeddingTable, gallery: EmbeddingTable, *, share: float, seed: int
) -> EmbeddingTable:
    """The gallery without all tracklets of a share of the queries' people, drawn by `seed`.

    Raises:
        ValueError: When the share is none, leaves nobody known or makes nobody unknown.
    """
    people = np.unique(query.identities[query.identities > DISTRACTOR])
    require_share(share)
    count = round(share * len(people))
    if not 0 < count < len(people):
        raise ValueError(
            f"expected a share that takes out between 1 and {len(people) - 1} of {len(people)} "
            f"people, received {share}; choose about 0.5"
        )
    unknown = np.random.default_rng(seed).choice(people, count, replace=False)
    return gallery.take(np.flatnonzero(~np.isin(gallery.identities, unknown)))


def require_share(share: float) -> None:
    """Refuse what is no share of people, before anything is computed.

    Raises:
        ValueError: When it is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(
            f"expected a share of the people between 0 and 1, received {share}; choose about 0.5"
        )


def _highest(
    query: EmbeddingTable, gallery: EmbeddingTable, rules: RankingRules
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Highest similarity of each known probe, whether it is right, and that of each unknown one."""
    matching = Matching(query, gallery, rules)
    mated, hits, unmated = [], [], []
    rows = similarity_rows(query.embeddings, gallery.embeddings, chunk_queries=rules.chunk_queries)
    for row, scores in enumerate(rows):
        if query.identities[row] <= DISTRACTOR:
            continue
        right = matching.right(row)
        scores[matching.ignored(row)] = -np.inf
        nearest = int(np.argmax(scores))
        if len(right):
            mated.append(scores[nearest])
            hits.append(nearest in right)
        else:
            unmated.append(scores[nearest])
    return np.array(mated), np.array(hits, dtype=np.bool_), np.array(unmated)


def _point(
    rate: float,
    mated: NDArray[np.float64],
    hits: NDArray[np.bool_],
    unmated: NDArray[np.float64],
) -> OpenSetPoint:
    """The first threshold above the highest similarity that may not be accepted."""
    refused = np.sort(unmated)[::-1][_allowed(rate, unmated)]
    threshold = float(np.nextafter(refused, np.inf))
    return OpenSetPoint(
        asked_rate=rate,
        threshold=threshold,
        false_accept_rate=float(np.mean(unmated >= threshold)),
        detection_rate=float(np.mean(hits & (mated >= threshold))),
    )


def _allowed(rate: float, unmated: NDArray[np.float64]) -> int:
    """How many unknown probes may be accepted; 0.29 · 100 is 29 though floats say 28.999…."""
    return int(rate * len(unmated) + 1e-9)
