"""The nearest tracklets and groups to one query, from the tier that is to answer."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import Filter, Joined
from service.gallery.index.ann import AnnBase
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.planner import Mode
from service.gallery.index.view import Hit, View
from service.gallery.ranking import camera_limit
from service.gallery.ranking.grouping import Group, Grouping, best_groups
from service.gallery.ranking.reordering import group_key

Tier = Literal["exact", "ann"]

_HITS_PER_GROUP = 4
_MOST_HITS = 4096


class Neighbours:
    """Eligible rows of one view, and what was learned of the answer on the way.

    Attributes:
        view: That is searched.
        query: [d].
        selection: The eligible rows.
        tier: `ann` once a base has answered, else `exact`.
        are_complete: Whether no better group can have been left out.
    """

    def __init__(
        self,
        view: View,
        query: NDArray[np.float32],
        tree: Filter,
        now_s: float,
        approximate: ApproximateTier | None,
    ) -> None:
        self.view, self.query = view, query
        self.selection = view.select(tree, now_s=now_s)
        self.tier: Tier = "exact"
        self.are_complete = True
        self._tree, self._now_s, self._approximate = tree, now_s, approximate
        self._is_asked = True

    def anew(self, rule: Filter | None = None) -> "Neighbours":
        """The same query once more, with a further rule perhaps; nothing is learned of this one.

        Nor is it kept as a question of a client's, by which the approximate tier is judged.
        """
        tree = self._tree if rule is None else Joined((self._tree, rule))
        again = Neighbours(self.view, self.query, tree, self._now_s, self._approximate)
        again._is_asked = False
        return again

    def nearest(self, k: int, mode: Mode) -> list[Hit]:
        """The k nearest rows."""
        base = self._base(mode)
        hits = None if base is None else self._walked(base, k)
        if hits is None:
            return self.view.nearest(self.query[None], self.selection, k)[0]
        self.tier = "ann"
        return hits

    def nearest_per_camera(self, k: int, most: int) -> list[Hit]:
        """The k nearest rows with at most so many of each camera; always exact."""
        return camera_limit.nearest_per_camera(
            self.view, self.query, self._tree, now_s=self._now_s, k=k, most=most
        )

    def groups(self, grouping: Grouping, k: int, mode: Mode) -> list[Group]:
        """The k nearest groups; a base knows the most similar of a group, not the average."""
        base = self._base(mode) if grouping.mode == "max" else None
        groups = None if base is None else self._approximated_groups(base, k)
        if groups is None:
            return best_groups(self.view, self.query, self.selection, grouping=grouping, k=k)
        return groups

    def _base(self, mode: Mode) -> AnnBase | None:
        if self._approximate is None:
            return None
        return self._approximate.base_for(self.view, self.selection, mode)

    def _walked(self, base: AnnBase, k: int) -> list[Hit] | None:
        hits = base.nearest(self.view, self.query, self.selection, k)
        if hits is not None and self._approximate is not None and self._is_asked:
            self._approximate.heard(self.query, self._tree, k)
        return hits

    def _approximated_groups(self, base: AnnBase, k: int) -> list[Group] | None:
        """From more and more rows until they make k groups; None where that takes too many."""
        fetched = _HITS_PER_GROUP * k
        while fetched <= _MOST_HITS:
            hits = self._walked(base, fetched)
            if hits is None:
                return None
            first: dict[tuple[bool, str], Hit] = {}
            for hit in hits:
                first.setdefault(group_key(hit), hit)
            found = list(first.values())[:k]
            if len(first) >= k or len(hits) < fetched:
                self.tier = "ann"
                self.are_complete = (
                    len(hits) < fetched or found[-1].similarity > hits[-1].similarity
                )
                return self._counted(found)
            fetched *= 2
        return None

    def _counted(self, hits: list[Hit]) -> list[Group]:
        """Groups by their most similar tracklet, with the number of their eligible rows."""
        codes = self.view.identity_codes(self.selection.rows())
        sizes = np.bincount(codes[codes >= 0], minlength=1)
        rows = np.array([self.view.row_of(hit.tracklet_id) for hit in hits], dtype=np.int64)
        own = self.view.identity_codes(rows).tolist()
        return [
            Group(hit.similarity, hit, 1 if code < 0 else int(sizes[code]))
            for hit, code in zip(hits, own, strict=True)
        ]
