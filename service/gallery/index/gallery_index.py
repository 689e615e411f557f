"""The searchable copy of one gallery: one writer takes in the writes, each gives a new view."""

import gc
import time
import weakref
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from service.errors import InvalidEmbedding
from service.gallery.index.draft import Draft
from service.gallery.index.id_listing import IdListing
from service.gallery.index.id_table import IdTable
from service.gallery.index.recoding import is_overgrown, recode
from service.gallery.index.scanner import Scanner, shared_scanner
from service.gallery.index.segment import Segment
from service.gallery.index.view import View
from service.gallery.index.vocabulary import Vocabulary
from service.gallery.stores.log_chain import first_hash
from service.gallery.stores.protocol import GalleryState
from service.gallery.stores.row_codec import IntactRow

SEGMENT_ROWS = (4096, 16384, 65536)

_LOOK_AGAIN_S = 0.002


class GalleryIndex:
    """Rows of one gallery in memory; one thread writes, and any other takes `view` and searches.

    After an exception out of `apply` the index must be thrown away.

    Args:
        gallery_id: Of the gallery.
        dimension: Values of an embedding.
        scanner: Whose threads search; by default one that the whole process shares.
        segment_rows: Capacities of the first segments; all others have the last.
    """

    def __init__(
        self,
        gallery_id: str,
        dimension: int,
        *,
        scanner: Scanner | None = None,
        segment_rows: Sequence[int] = SEGMENT_ROWS,
    ) -> None:
        state = GalleryState(0, 0, 0, first_hash(gallery_id))
        ids = IdTable(np.empty(0, np.uint64), np.empty(0, np.int64))
        ids.settled_view = 1
        view = View(
            1, state, (), dimension, Vocabulary(), ids, IdListing(), scanner or shared_scanner()
        )
        self._start(view, tuple(segment_rows))

    @classmethod
    def resumed(cls, view: View, *, segment_rows: Sequence[int] = SEGMENT_ROWS) -> "GalleryIndex":
        """An index that stands where the view does; no other index may have its segments."""
        index = cls.__new__(cls)
        index._start(view, tuple(segment_rows))
        return index

    def _start(self, view: View, segment_rows: tuple[int, ...]) -> None:
        self.view = view
        """As it stands after the last write taken in."""
        self._segment_rows = segment_rows
        self._next_segment = max((part.segment.number for part in view.parts), default=-1) + 1
        self._ids = view.ids_at
        self._older: weakref.WeakSet[View] = weakref.WeakSet()
        self._left_out: weakref.WeakSet[Segment] = weakref.WeakSet()

    def apply(
        self, rows: Sequence[IntactRow], deleted: Sequence[str], *, seq: int, chain: str
    ) -> None:
        """Take in what write `seq`, whose hash is `chain`, put and deleted.

        A row that is not newer than the one held is left out, and so is the deletion of an id that
        is not held: a replay may come in any order.

        Raises:
            InvalidEmbedding: When a row has another dimension; nothing is changed.
        """
        view = self.view
        for row in rows:
            if row.record.embedding.shape != (view.dimension,):
                raise _refused(view.dimension, row.record.embedding.shape)
        self._ids.settled_view = 0
        draft = Draft(view, self._segment_rows, self._next_segment)
        for row in rows:
            draft.put(row)
        for tracklet_id in deleted:
            draft.drop(tracklet_id)
        draft.compact()
        if is_overgrown(draft.vocabulary, draft.tracklets):
            draft.vocabulary = recode(draft.parts, draft.vocabulary)
        put = [row.record.tracklet_id for row in rows]
        self._publish(draft, GalleryState(seq, draft.tracklets, draft.digest, chain), put, deleted)

    def zero_dead_slots(self, *, wait_s: float = 0.25) -> bool:
        """Overwrite what deleted and replaced rows left in memory; the writer calls it.

        Args:
            wait_s: How long to wait for searches that hold an older view. As the writer waits too,
                no further view becomes an older one.

        Returns:
            Whether none of it is left; False when an older view was held all that time, and nothing
            has been touched. Then call again.
        """
        if not self._without_older_views(wait_s):
            return False
        for part in self.view.parts:
            part.segment.forget(np.flatnonzero(~part.alive))
        # No view has them, and yet whoever builds something of their rows may.
        for segment in list(self._left_out):
            segment.forget(np.arange(segment.used))
        self._left_out.clear()
        self._ids.settled_view = 0
        draft = Draft(self.view, self._segment_rows, self._next_segment)
        draft.vocabulary = recode(draft.parts, draft.vocabulary)
        self._publish(draft, self.view.state, [], [])
        return True

    def _without_older_views(self, wait_s: float) -> bool:
        until_s = time.monotonic() + wait_s
        while len(self._older) and time.monotonic() < until_s:
            time.sleep(_LOOK_AGAIN_S)
        if len(self._older):
            # Not a search, perhaps, but the traceback of one that failed.
            gc.collect()
        return not len(self._older)

    def _publish(
        self, draft: Draft, state: GalleryState, put: Sequence[str], deleted: Sequence[str]
    ) -> None:
        self._next_segment = draft.next_segment
        kept = {part.segment for part in draft.parts}
        self._left_out.update(one.segment for one in self.view.parts if one.segment not in kept)
        view = replace(
            self.view,
            number=self.view.number + 1,
            state=state,
            parts=tuple(part.part() for part in draft.parts),
            vocabulary=draft.vocabulary,
        )

        def show() -> None:
            self._older.add(self.view)
            self.view = view
            self._ids.settled_view = view.number

        self.view.listing.publish(view, put, deleted, show)


def _refused(dimension: int, shape: tuple[int, ...]) -> InvalidEmbedding:
    return InvalidEmbedding(
        expected=f"rows of dimension {dimension}",
        received=f"shape {list(shape)}",
        remedy="build the index for the model of the gallery",
    )
