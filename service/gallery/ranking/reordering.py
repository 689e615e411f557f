"""The matches of an answer in the order of re-ranking, be they tracklets or identities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.view import Hit, View
from service.gallery.ranking.grouping import Group
from service.gallery.ranking.reranking import Reranking, reranked

Key = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class Reordered:
    """A match and the value it was ordered by; None where it keeps its place behind those."""

    group: Group
    value: float | None


def group_key(hit: Hit) -> Key:
    """The identity of a tracklet, or itself where it has none."""
    identity = hit.metadata.identity
    return (False, hit.tracklet_id) if identity is None else (True, identity)


def tracklet_key(hit: Hit) -> Key:
    """The tracklet itself."""
    return False, hit.tracklet_id


def reranked_values(
    view: View, query: NDArray[np.float32], hits: Sequence[Hit], numbers: Reranking
) -> list[float]:
    """What each of the hits, in order of similarity to query [d], is worth after re-ranking."""
    rows = [view.row_of(hit.tracklet_id) for hit in hits]
    matches = view.embeddings(np.array(rows, dtype=np.int64))
    values: list[float] = reranked(query, matches, numbers).tolist()
    return values


def reordered(
    found: Sequence[Group],
    hits: Sequence[Hit],
    values: Sequence[float],
    *,
    key: Callable[[Hit], Key],
) -> list[Reordered]:
    """The matches found, those with a re-ranked tracklet first.

    A match is worth its best re-ranked tracklet. Of equal worth, and of none, the order stays.

    Args:
        found: In order of similarity.
        hits: The tracklets that were re-ranked.
        values: What each of the hits is worth.
        key: Which match a tracklet belongs to.
    """
    worth: dict[Key, float] = {}
    for hit, value in zip(hits, values, strict=True):
        worth[key(hit)] = max(value, worth.get(key(hit), 0.0))
    matches = [Reordered(group, worth.get(key(group.best))) for group in found]
    return sorted(matches, key=lambda match: (match.value is None, -(match.value or 0.0)))
