"""Which gallery tracklets are right for a query, which are ignored, and why none may be left."""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.ranking_rules import DISTRACTOR, JUNK, RankingRules

Rows = NDArray[np.int64]

ASKS_ABOUT_NOBODY = "junk and distractors ask about nobody"
NOT_IN_GALLERY = "the gallery has no other tracklet of its identity"
OWN_CAMERA_ONLY = "its identity is in the gallery only from its own camera"
OWN_OUTFIT_ONLY = "its identity is in the gallery only in its own outfit"
OWN_CAMERA_OR_OUTFIT_ONLY = (
    "its identity is in the gallery only from its own camera or in its own outfit"
)

REMEDIES = {
    ASKS_ABOUT_NOBODY: "give queries identities above 0",
    NOT_IN_GALLERY: "check that query and gallery number people alike",
    OWN_CAMERA_ONLY: "same_camera='keep' (--same-camera keep) ranks them too",
    OWN_OUTFIT_ONLY: "exclude_same_outfit=False (without --exclude-same-outfit) ranks them too",
    OWN_CAMERA_OR_OUTFIT_ONLY: "same_camera='keep' or exclude_same_outfit=False ranks them too",
}


class Matching:
    """The rules applied to a query table and a gallery table.

    Raises:
        ValueError: When the gallery is empty or its embeddings have another dimension.
    """

    def __init__(self, query: EmbeddingTable, gallery: EmbeddingTable, rules: RankingRules) -> None:
        _require_comparable(query, gallery)
        self._query, self._gallery, self._rules = query, gallery, rules
        self._junk = np.flatnonzero(gallery.identities == JUNK)
        self._own = _rows_of_own_names(query, gallery)
        order: Rows = np.argsort(gallery.identities, kind="stable")
        identities, starts = np.unique(gallery.identities[order], return_index=True)
        self._rows_of = dict(zip(identities.tolist(), np.split(order, starts[1:]), strict=True))

    def right(self, query: int) -> Rows:
        """Gallery rows that are a right match of a query row, ascending."""
        if self._query.identities[query] <= DISTRACTOR:
            return np.empty(0, dtype=np.int64)
        same = self._same_identity(query)
        right: Rows = same[~self._ruled_out(query, same)]
        return right

    def ignored(self, query: int) -> Rows:
        """Gallery rows that its ranking passes over: junk, itself, and what the rules exclude."""
        same = self._same_identity(query)
        ruled_out = same[self._ruled_out(query, same)]
        own = self._own[query]
        ignored: Rows = np.concatenate([self._junk, own[own >= 0], ruled_out])
        return ignored

    def reason_for_none(self, query: int) -> str:
        """Why `right` is empty."""
        if self._query.identities[query] <= DISTRACTOR:
            return ASKS_ABOUT_NOBODY
        same = self._same_identity(query)
        if not len(same):
            return NOT_IN_GALLERY
        if self._own_camera(query, same).all():
            return OWN_CAMERA_ONLY
        return OWN_OUTFIT_ONLY if self._own_outfit(query, same).all() else OWN_CAMERA_OR_OUTFIT_ONLY

    def _same_identity(self, query: int) -> Rows:
        """Other tracklets of a query's identity; two distractors are not one person."""
        identity = int(self._query.identities[query])
        rows: Rows = self._rows_of.get(identity, np.empty(0, dtype=np.int64))
        if identity <= DISTRACTOR:
            return rows[:0]
        others: Rows = rows[rows != self._own[query]]
        return others

    def _ruled_out(self, query: int, same: Rows) -> NDArray[np.bool_]:
        return self._own_camera(query, same) | self._own_outfit(query, same)

    def _own_camera(self, query: int, same: Rows) -> NDArray[np.bool_]:
        if self._rules.same_camera == "keep":
            return np.zeros(len(same), dtype=np.bool_)
        # NaN, the unknown camera, equals nothing.
        return np.asarray(self._gallery.cameras[same] == self._query.cameras[query])

    def _own_outfit(self, query: int, same: Rows) -> NDArray[np.bool_]:
        outfit = self._query.outfits[query]
        if not self._rules.exclude_same_outfit or not outfit:
            return np.zeros(len(same), dtype=np.bool_)
        return np.asarray(self._gallery.outfits[same] == outfit)


def _rows_of_own_names(query: EmbeddingTable, gallery: EmbeddingTable) -> Rows:
    """For every query the gallery row of its own name, -1 where there is none: [q, 1]."""
    row_of = {name: row for row, name in enumerate(gallery.names.tolist())}
    own = [row_of.get(name, -1) for name in query.names.tolist()]
    return np.array(own, dtype=np.int64)[:, None]


def _require_comparable(query: EmbeddingTable, gallery: EmbeddingTable) -> None:
    if not len(gallery):
        raise ValueError(
            "expected a gallery of tracklets, received none that is not junk; check the split"
        )
    expected, received = gallery.embeddings.shape[1], query.embeddings.shape[1]
    if expected != received:
        raise ValueError(
            f"expected queries of {expected} dimensions, as the gallery has, received {received}; "
            "embed both with one model"
        )
