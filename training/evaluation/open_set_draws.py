"""Many open-set searches: people drawn again and again as known (in the gallery) or unknown.

The rules of the evaluation hold: nobody finds his own tracklet, nor his own camera's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.exact_similarity import similarity_rows
from training.evaluation.matching import Matching
from training.evaluation.ranking_rules import DISTRACTOR, JUNK, RankingRules

# Of which the probability is fitted: the matches that a person looks at.
FIRST_MATCHES = 10
MOST_PAIRS = 50_000_000

Similarities = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class OpenSetPairs:
    """All queries that ask about somebody against the whole gallery.

    Attributes:
        similarities: float32 [q, g]; minus infinity where the rules leave a tracklet out.
        asked: [q] identity of each query.
        held: [g] identity of each gallery tracklet; 0 for a distractor, who is always there.
        people: Identities asked about, sorted.
    """

    similarities: NDArray[np.float32]
    asked: NDArray[np.int64]
    held: NDArray[np.int64]
    people: NDArray[np.int64]

    def of_people(self, people: NDArray[np.int64]) -> "OpenSetPairs":
        """The queries of these people; all others, distractors apart, leave the gallery too."""
        rows = np.flatnonzero(np.isin(self.asked, people))
        columns = np.flatnonzero(np.isin(self.held, people) | (self.held == DISTRACTOR))
        return OpenSetPairs(
            self.similarities[np.ix_(rows, columns)],
            self.asked[rows],
            self.held[columns],
            np.sort(people),
        )


@dataclass(frozen=True, slots=True, eq=False)
class DrawnSearches:
    """What the searches of all draws found; n known ones, m unknown ones, k matches.

    Attributes:
        known: [n] similarity of the most similar tracklet, of people in the gallery.
        right: [n] whether it is theirs.
        lead: [n] how far it is ahead of the best of another identity; infinite without one.
        unknown: [m] as `known`, of people who are not in the gallery.
        unknown_tracklets: Different queries that made them.
        similarity: [k] of the first matches of every search.
        same: [k] whether they show the person asked about.
        gallery_tracklets: Searched at a time, on average.
        gallery_identities: People among them.
    """

    known: Similarities
    right: Flags
    lead: Similarities
    unknown: Similarities
    unknown_tracklets: int
    similarity: Similarities
    same: Flags
    gallery_tracklets: int
    gallery_identities: int


def open_set_pairs(
    query: EmbeddingTable, gallery: EmbeddingTable, rules: RankingRules
) -> OpenSetPairs:
    """Compare every query of a person with the gallery; junk is left out.

    Raises:
        ValueError: When fewer than four people are asked about, or there are too many pairs.
    """
    people = np.unique(query.identities[query.identities > DISTRACTOR])
    if len(people) < 4:
        raise ValueError(
            f"expected at least 4 people, so that each half has a known and an unknown one, "
            f"received {len(people)}; calibrate on more people"
        )
    if len(query) * len(gallery) > MOST_PAIRS:
        raise ValueError(
            f"expected at most {MOST_PAIRS:,} pairs of query and gallery tracklets, received "
            f"{len(query) * len(gallery):,}; calibrate on fewer people"
        )
    matching = Matching(query, gallery, rules)
    asking = np.flatnonzero(query.identities > DISTRACTOR)
    similarities = np.empty((len(asking), len(gallery)), dtype=np.float32)
    asked = query.take(asking)
    rows = similarity_rows(asked.embeddings, gallery.embeddings, chunk_queries=rules.chunk_queries)
    for place, scores in enumerate(rows):
        scores[matching.ignored(int(asking[place]))] = -np.inf
        similarities[place] = scores
    kept = np.flatnonzero(gallery.identities != JUNK)
    return OpenSetPairs(similarities[:, kept], asked.identities, gallery.identities[kept], people)


def draw_searches(
    pairs: OpenSetPairs, *, draws: int, known_share: float, random: np.random.Generator
) -> DrawnSearches:
    """Search `draws` galleries, each of another share of the people.

    Raises:
        ValueError: When the share leaves nobody known, or nobody unknown.
    """
    count = round(known_share * len(pairs.people))
    if not 0 < count < len(pairs.people):
        raise ValueError(
            f"expected a share that makes between 1 and {len(pairs.people) - 1} of "
            f"{len(pairs.people)} people known, received {known_share}; choose about 0.5"
        )
    found = [_search(pairs, random.permutation(pairs.people)[:count]) for _ in range(draws)]
    return _joined(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """One draw: of each search its best similarity, lead, and whether right; of all, matches."""

    known: Similarities
    right: Flags
    lead: Similarities
    unknown: Similarities
    unknown_rows: NDArray[np.int64]
    similarity: Similarities
    same: Flags
    tracklets: int
    identities: int


def _search(pairs: OpenSetPairs, enrolled: NDArray[np.int64]) -> _Found:
    columns = np.flatnonzero(np.isin(pairs.held, enrolled) | (pairs.held == DISTRACTOR))
    held = pairs.held[columns]
    scores = pairs.similarities[:, columns].astype(np.float64)
    own = pairs.asked[:, None] == held[None, :]
    found = np.isfinite(scores).any(axis=1)
    # Who is enrolled, but from this query's camera only, is neither known nor unknown.
    known = np.flatnonzero(np.isfinite(np.where(own, scores, -np.inf)).any(axis=1))
    unknown = np.flatnonzero(~np.isin(pairs.asked, enrolled) & found)
    nearest = scores[known].argmax(axis=1)
    best = scores[known, nearest]
    similarity, same = _first_matches(scores, own, np.concatenate([known, unknown]))
    return _Found(
        known=best,
        right=held[nearest] == pairs.asked[known],
        lead=best - _best_rival(scores[known], held, nearest),
        unknown=scores[unknown].max(axis=1),
        unknown_rows=unknown,
        similarity=similarity,
        same=same,
        tracklets=len(columns),
        identities=len(np.unique(held[held != DISTRACTOR])),
    )


def _best_rival(
    scores: Similarities, held: NDArray[np.int64], nearest: NDArray[np.int64]
) -> Similarities:
    """The best of another identity than the nearest's; two distractors are two people."""
    same = (held == held[nearest][:, None]) & (held != DISTRACTOR)
    same[np.arange(len(nearest)), nearest] = True
    rival: Similarities = np.where(same, -np.inf, scores).max(axis=1)
    return rival


def _first_matches(
    scores: Similarities, own: Flags, rows: NDArray[np.int64]
) -> tuple[Similarities, Flags]:
    """Similarities of the first matches of these searches, and whether they are right."""
    first = min(FIRST_MATCHES, scores.shape[1])
    order = np.argpartition(-scores[rows], first - 1, axis=1)[:, :first]
    similarity = np.take_along_axis(scores[rows], order, axis=1)
    same = np.take_along_axis(own[rows], order, axis=1)
    listed = np.isfinite(similarity)
    return similarity[listed], same[listed]


def _joined(found: Sequence[_Found]) -> DrawnSearches:
    return DrawnSearches(
        known=np.concatenate([one.known for one in found]),
        right=np.concatenate([one.right for one in found]),
        lead=np.concatenate([one.lead for one in found]),
        unknown=np.concatenate([one.unknown for one in found]),
        unknown_tracklets=len(np.unique(np.concatenate([one.unknown_rows for one in found]))),
        similarity=np.concatenate([one.similarity for one in found]),
        same=np.concatenate([one.same for one in found]),
        gallery_tracklets=round(float(np.mean([one.tracklets for one in found]))),
        gallery_identities=round(float(np.mean([one.identities for one in found]))),
    )
