"""From nearest rows to the answer: tracklets, or identities by their best tracklet."""

from collections.abc import Callable, Sequence
from itertools import islice, takewhile
from typing import Literal

from service.gallery.flat_index import Hit

GroupBy = Literal["tracklet", "identity"]


def best_hits(
    nearest: Callable[[int], Sequence[Hit]],
    *,
    top_k: int,
    group_by: GroupBy,
    min_similarity: float | None,
) -> list[Hit]:
    """The first `top_k` hits, or the first hit of each of `top_k` identities.

    An identity is as similar as its most similar tracklet, which stands for it; a tracklet without
    identity stands for itself. The order is that of `nearest`, and the result is exact: more rows
    are asked for until there are enough identities or no more rows.

    Args:
        nearest: The k nearest rows in order, fewer only when there are no more.
        top_k: Hits at most.
        group_by: What a hit stands for.
        min_similarity: Hits below it are left out; None keeps all.
    """
    k = top_k
    while True:
        hits = nearest(k)
        similar = _similar(hits, min_similarity)
        best = similar if group_by == "tracklet" else _first_of_each_identity(similar)
        no_more = len(hits) < k or len(similar) < len(hits)
        if no_more or len(best) >= top_k:
            return list(islice(best, top_k))
        k *= 2


def _similar(hits: Sequence[Hit], least: float | None) -> list[Hit]:
    if least is None:
        return list(hits)
    return list(takewhile(lambda hit: hit.similarity >= least, hits))


def _first_of_each_identity(hits: list[Hit]) -> list[Hit]:
    first: dict[tuple[bool, str], Hit] = {}
    for hit in hits:
        identity = hit.metadata.identity
        named = identity is not None
        first.setdefault((named, identity if identity is not None else hit.tracklet_id), hit)
    return list(first.values())
