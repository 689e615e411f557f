"""CMC and mAP of ranked galleries; numpy only (spec §1.11).

Everything is keyed by one record per tracklet, so that similarities, identities and cameras cannot
slip out of step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

JUNK = -1
DISTRACTOR = 0

RANKS = (1, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class RankedTracklet:
    """One query or gallery tracklet, with its embedding [d] of length 1.

    Attributes:
        name: Unique within the gallery; a query never matches the tracklet of its own name.
        identity: Which person; -1 is junk and never ranked, 0 a distractor.
        camera: Which camera, or None where it is not known.
        embedding: [d], L2-normalised.
    """

    name: str
    identity: int
    camera: int | None
    embedding: NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class DroppedQuery:
    """A query that no gallery tracklet could answer, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """Metrics over the valid queries, as fractions of 1.

    Attributes:
        cmc: Fraction of queries with a right match among the first k, keyed by k.
        mean_average_precision: Mean of the standard (step) average precision.
        valid_queries: Queries that count.
        dropped: Queries that do not, each with its reason.
        gallery: Gallery tracklets, junk not counted.
    """

    cmc: dict[int, float]
    mean_average_precision: float
    valid_queries: int
    dropped: tuple[DroppedQuery, ...]
    gallery: int


def evaluate_retrieval(
    queries: Sequence[RankedTracklet], gallery: Sequence[RankedTracklet]
) -> RetrievalResult:
    """Rank the gallery for every query by cosine and score the ranking.

    For each query the tracklets of its identity from its own camera are left out, and so are junk
    and the query itself. Ties keep gallery order. Where a camera is unknown, nothing is left out
    for its sake.

    Raises:
        ValueError: When names repeat, dimensions differ, a value is not finite, or no query is left
            to score.
    """
    ranked = _Gallery.of(gallery)
    _require_comparable(queries, ranked.embeddings.shape[1])
    first_hits, precisions, dropped = [], [], []
    for query in queries:
        if query.identity <= DISTRACTOR:
            dropped.append(DroppedQuery(query.name, "junk and distractors ask about nobody"))
            continue
        hits = ranked.hits(query)
        if not hits.any():
            dropped.append(DroppedQuery(query.name, ranked.reason_for_no_hit(query)))
            continue
        first_hits.append(int(np.argmax(hits)))
        precisions.append(average_precision(hits))
    if not precisions:
        raise ValueError(
            f"expected a query with a match from another camera, received none in {len(queries)}; "
            "the first was dropped because "
            + (dropped[0].reason if dropped else "there are no queries")
        )
    first = np.asarray(first_hits)
    return RetrievalResult(
        cmc={k: float(np.mean(first < k)) for k in RANKS},
        mean_average_precision=float(np.mean(precisions)),
        valid_queries=len(precisions),
        dropped=tuple(dropped),
        gallery=int(np.sum(ranked.identities != JUNK)),
    )


def average_precision(hits: NDArray[np.bool_]) -> float:
    """(1/R) Σ over hits at rank r of (hits up to r) / r, for hits [ranks] in ranked order."""
    positions = np.flatnonzero(hits)
    return float(np.mean(np.arange(1, len(positions) + 1) / (positions + 1)))


@dataclass(frozen=True)
class _Gallery:
    names: NDArray[np.str_]
    identities: NDArray[np.int64]
    cameras: NDArray[np.float64]  # NaN where unknown: it equals nothing, not even itself
    embeddings: NDArray[np.floating]

    @classmethod
    def of(cls, tracklets: Sequence[RankedTracklet]) -> "_Gallery":
        names = [tracklet.name for tracklet in tracklets]
        if len(set(names)) != len(names):
            raise ValueError(
                f"expected every gallery name once, received {len(names)} names of which "
                f"{len(set(names))} differ; evaluate one data set at a time"
            )
        if not tracklets:
            raise ValueError("expected a gallery of tracklets, received none; check the split")
        _require_comparable(tracklets, len(tracklets[0].embedding))
        return cls(
            names=np.array(names),
            identities=np.array([tracklet.identity for tracklet in tracklets]),
            cameras=np.array([_camera_number(tracklet.camera) for tracklet in tracklets]),
            embeddings=np.stack([tracklet.embedding for tracklet in tracklets]),
        )

    def hits(self, query: RankedTracklet) -> NDArray[np.bool_]:
        """In ranked order, over the tracklets that count: is it the right person?"""
        similarity = self.embeddings @ query.embedding
        order = np.argsort(-similarity, kind="stable")
        order = order[self._counts(query)[order]]
        hits: NDArray[np.bool_] = self.identities[order] == query.identity
        return hits

    def reason_for_no_hit(self, query: RankedTracklet) -> str:
        same = (self.identities == query.identity) & (self.names != query.name)
        if not same.any():
            return "the gallery has no other tracklet of its identity"
        return "its identity is in the gallery only from its own camera"

    def _counts(self, query: RankedTracklet) -> NDArray[np.bool_]:
        same_identity = self.identities == query.identity
        same_camera = self.cameras == _camera_number(query.camera)
        counts: NDArray[np.bool_] = (
            (self.identities != JUNK) & ~(same_identity & same_camera) & (self.names != query.name)
        )
        return counts


def _camera_number(camera: int | None) -> float:
    return np.nan if camera is None else float(camera)


def _require_comparable(tracklets: Sequence[RankedTracklet], dimension: int) -> None:
    for tracklet in tracklets:
        if tracklet.embedding.shape != (dimension,):
            raise ValueError(
                f"expected embeddings of shape ({dimension},), received "
                f"{tracklet.embedding.shape} for {tracklet.name!r}; embed all with one model"
            )
        if not np.isfinite(tracklet.embedding).all():
            raise ValueError(
                f"expected finite embeddings, received NaN or infinity for {tracklet.name!r}; "
                "check the weights"
            )
