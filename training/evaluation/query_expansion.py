"""Query expansion: a query becomes the mean of itself and what it finds first.

Average query expansion (Chum et al., ICCV 2007), and α-weighted by similarity (Radenović et al.,
TPAMI 2019). No label is used: neighbours from the query's own camera count, only the gallery
tracklet of its own name and junk do not.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.exact_similarity import nearest_rows, similarity_rows
from training.evaluation.ranking_rules import JUNK

CHUNK_QUERIES = 128


def expand_queries(
    query: EmbeddingTable, gallery: EmbeddingTable, *, neighbours: int, alpha: float = 0.0
) -> EmbeddingTable:
    """Queries moved towards their nearest gallery tracklets, L2-normalised again.

    Args:
        query: Who is asked about.
        gallery: Who is searched.
        neighbours: How many of the nearest are averaged with the query.
        alpha: Each weighs its similarity (0 if negative) to this power; 0 weighs all alike.

    Raises:
        ValueError: When `neighbours` is below 1, `alpha` is negative, or a sum vanishes.
    """
    if neighbours < 1 or alpha < 0:
        raise ValueError(
            f"expected at least 1 neighbour and an alpha of 0 or more, received {neighbours} and "
            f"{alpha}; leave query expansion out to expand by none"
        )
    counted = gallery.take(np.flatnonzero(gallery.identities != JUNK))
    expanded = query.embeddings.astype(np.float64)
    rows = similarity_rows(query.embeddings, counted.embeddings, chunk_queries=CHUNK_QUERIES)
    for row, scores in enumerate(rows):
        others = np.flatnonzero(counted.names != query.names[row])
        chosen = others[nearest_rows(scores[others], neighbours)]
        weights = np.maximum(scores[chosen], 0.0) ** alpha
        expanded[row] += weights @ counted.embeddings[chosen].astype(np.float64)
    return replace(query, embeddings=_unit(query, expanded))


def augment_gallery(
    gallery: EmbeddingTable, *, neighbours: int, alpha: float = 0.0
) -> EmbeddingTable:
    """The same for every gallery tracklet among the others (database-side augmentation).

    Raises:
        ValueError: As `expand_queries`.
    """
    return expand_queries(gallery, gallery, neighbours=neighbours, alpha=alpha)


def _unit(query: EmbeddingTable, expanded: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(expanded, axis=1, keepdims=True)
    if not (lengths > 1e-6).all():
        name = str(query.names[int(np.argmin(lengths))])
        raise ValueError(
            f"expected neighbours that do not cancel a query out, received a sum of 0 for "
            f"{name!r}; weigh by similarity (alpha above 0)"
        )
    return np.asarray(expanded / lengths, dtype=np.float32)
