"""Compares all that there is of a gallery: the store with itself, the index and the snapshots."""

import math
from collections.abc import Callable, Sequence

from service.errors import NotReady, ReidError
from service.gallery.filter_tree import EVERYTHING
from service.gallery.gallery_errors import SnapshotUnusable
from service.gallery.index.view import View
from service.gallery.replica.row_comparison import alike_in
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.replica.store_scrub import scrub_store
from service.gallery.replica.verify_report import Check, VerifyReport
from service.gallery.stores.protocol import GalleryInfo, GalleryStore
from service.gallery.stores.row_codec import IntactRow

_OF_INDEX = ("index rows", "index digest")


def verify_gallery(
    store: GalleryStore,
    info: GalleryInfo,
    *,
    view: View | NotReady,
    snapshots: SnapshotDirectory,
    prove: Callable[[int], None],
) -> VerifyReport:
    """Compare every copy of a gallery.

    Args:
        store: Open.
        info: Which gallery.
        view: Of the index; shows all that the store had written before this was called. Or why
            there is none.
        snapshots: Of the gallery; nobody writes one meanwhile.
        prove: Returns once the index has been found equal to the store at this write or a later
            one; raises an error of the service otherwise.

    Raises:
        StoreUnavailable: When the store cannot be read.
    """
    if isinstance(view, NotReady):
        scrubbed = scrub_store(store, info.gallery_id, lambda _: None)
        of_index = tuple(Check(name, agrees=False, detail=str(view)) for name in _OF_INDEX)
    else:
        rows = _RowComparison(view)
        scrubbed = scrub_store(store, info.gallery_id, rows.compare)
        of_index = (rows.check(), _proof(prove, scrubbed.state.seq, view))
    return VerifyReport(
        gallery=info.name,
        gallery_id=info.gallery_id,
        seq=scrubbed.state.seq,
        tracklets=scrubbed.state.tracklets,
        damaged=scrubbed.damaged,
        checks=(*scrubbed.checks, *of_index, _snapshots(snapshots)),
    )


class _RowComparison:
    """Compares rows of the store with those of the index as they are read."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._compared = 0
        self._differing = 0

    def compare(self, rows: Sequence[IntactRow]) -> None:
        """Compare these; rows of later writes than the view shows are left out."""
        known = [row.record for row in rows if row.record.seq <= self._view.state.seq]
        held = alike_in(self._view, known)
        self._compared += len(known)
        self._differing += sum(seq != record.seq for seq, record in zip(held, known, strict=True))

    def check(self) -> Check:
        """What was found."""
        detail = f"{self._compared} rows compared, {self._differing} differ"
        return Check(_OF_INDEX[0], not self._differing, detail)


def _proof(prove: Callable[[int], None], seq: int, view: View) -> Check:
    """Whether the index has neither more nor fewer rows than the store."""
    everything = view.select(EVERYTHING, now_s=-math.inf)
    digest = view.digest_of(everything.rows())
    if (everything.count, digest) != (view.state.tracklets, view.state.digest):
        return Check(_OF_INDEX[1], agrees=False, detail="not that of its own rows")
    try:
        prove(seq)
    except ReidError as error:
        return Check(_OF_INDEX[1], agrees=False, detail=str(error))
    return Check(_OF_INDEX[1], agrees=True, detail=f"equal to the store after write {seq}")


def _snapshots(snapshots: SnapshotDirectory) -> Check:
    found, damaged = snapshots.newest_first(), []
    for path in found:
        try:
            snapshots.verify(path)
        except SnapshotUnusable as error:
            damaged.append(str(error))
    detail = f"{len(found) - len(damaged)} whole, {len(damaged)} damaged"
    return Check("snapshots", not damaged, "; ".join([detail, *damaged]))
