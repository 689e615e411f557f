"""Which queries of a split have a right answer in its gallery, and why the others have none."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np

from training.data.data_set import Split
from training.data.tracklet import Tracklet
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.matching import Matching
from training.evaluation.ranking_rules import JUNK, RankingRules
from training.frozen_model import FrozenModel

_NAMED = 5


class Unmatched(FrozenModel):
    """Queries without a right answer for one reason: how many, and the first names."""

    reason: str
    queries: int
    first: tuple[str, ...]


class QueryMatches(FrozenModel):
    """What becomes of the queries with one gallery.

    Attributes:
        gallery: Whether the queries are themselves searched; `as given` where they never are.
        searched: Gallery tracklets, junk left out.
        queries: All of them.
        matched: Those with a right answer.
        unmatched: The others, by reason.
    """

    gallery: Literal["as given", "with queries", "without queries"]
    searched: int
    queries: int
    matched: int
    unmatched: tuple[Unmatched, ...]


def match_queries(split: Split) -> tuple[QueryMatches, ...]:
    """The gallery as given and, where the queries are in it, the gallery without them.

    Raises:
        ValueError: When a name comes twice in the queries or in the gallery.
    """
    if not (split.query and split.gallery):
        return ()
    asked = {tracklet.name for tracklet in split.query}
    others = [tracklet for tracklet in split.gallery if tracklet.name not in asked]
    if len(others) == len(split.gallery):
        return (_matches(split, split.gallery, "as given"),)
    with_queries = _matches(split, split.gallery, "with queries")
    if not others:
        return (with_queries,)
    return with_queries, _matches(split, others, "without queries")


def _matches(
    split: Split,
    gallery: Sequence[Tracklet],
    described: Literal["as given", "with queries", "without queries"],
) -> QueryMatches:
    rules = RankingRules(exclude_same_outfit=split.excludes_same_outfit)
    matching = Matching(_table(split.query), _table(gallery), rules)
    names: dict[str, list[str]] = defaultdict(list)
    for row, query in enumerate(split.query):
        if not len(matching.right(row)):
            names[matching.reason_for_none(row)].append(query.name)
    unmatched = tuple(
        Unmatched(reason=reason, queries=len(who), first=tuple(who[:_NAMED]))
        for reason, who in sorted(names.items())
    )
    return QueryMatches(
        gallery=described,
        searched=sum(tracklet.identity != JUNK for tracklet in gallery),
        queries=len(split.query),
        matched=len(split.query) - sum(each.queries for each in unmatched),
        unmatched=unmatched,
    )


def _table(tracklets: Sequence[Tracklet]) -> EmbeddingTable:
    """Who may match whom does not depend on embeddings: all are the same."""
    return EmbeddingTable.of(tracklets, np.ones((len(tracklets), 1), np.float32))
