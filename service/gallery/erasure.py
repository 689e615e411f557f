"""Erases a person or a tracklet, place by place, and keeps a receipt of it.

    begun ─▶ rows deleted ─▶ this replica's memory and snapshots clean ─▶ the store's files clean
          ─▶ every other replica clean ─▶ final

The identity cannot be enrolled from the first step to the last. Each step is written into the
receipt when it is done and may be done again, so that an erasure which was interrupted goes on
from its receipt. A row that was written after the erasure had begun is never touched by it: one
who was erased and then enrolled anew stays enrolled, whoever resumes what, and when.
"""

import math
from dataclasses import replace
from typing import Protocol

from service.gallery.erasure_places import (
    DAMAGED,
    FILES,
    ROWS,
    finished,
    is_pending,
    with_place,
    with_replicas,
)
from service.gallery.failpoints import failpoint
from service.gallery.filter_tree import Equals
from service.gallery.gallery_errors import ReceiptNotFound
from service.gallery.guarded_changes import CatchesUp, Found, delete_found, found_in
from service.gallery.index.view import View
from service.gallery.stores.batch import Batch, Delete
from service.gallery.stores.erasure_receipt import ErasureReceipt
from service.gallery.stores.protocol import GalleryStore, ReplicaMark
from service.gallery.stores.row_codec import DamagedRow

_APPLY_S = 30.0


class ErasingReplica(CatchesUp, Protocol):
    """What an erasure needs of a gallery's replica in this process."""

    @property
    def name(self) -> str:
        """As in its `ReplicaMark`."""
        ...

    @property
    def forgotten_seq(self) -> int:
        """As in its `ReplicaMark`."""
        ...

    @property
    def damaged_rows(self) -> int:
        """Rows of the store that are damaged, and in no view."""
        ...

    def wait_for(self, seq: int, timeout_s: float) -> None:
        """Wait until the write is applied."""
        ...

    def forget_dead(self) -> bool:
        """Clear dead bytes from memory and snapshots; False while a search still holds some."""
        ...


def held_receipt(store: GalleryStore, gallery_id: str, receipt_id: str) -> ErasureReceipt:
    """The receipt as the store has it.

    Raises:
        ReceiptNotFound: When the gallery has none of this id.
    """
    for receipt in store.receipts(gallery_id):
        if receipt.receipt_id == receipt_id:
            return receipt
    raise ReceiptNotFound(
        expected="the id of a receipt of this gallery",
        received=repr(receipt_id[:64]),
        remedy="list the erasures of the gallery",
    )


def forget_upto(replica: ErasingReplica, seq: int) -> bool:
    """Leave no byte of rows that writes up to `seq` replaced or deleted; False to ask again.

    Raises:
        ReplicaBehind: When the write is not applied in time.
    """
    if replica.forgotten_seq >= seq:
        return True
    replica.wait_for(seq, _APPLY_S)
    return replica.forget_dead() and replica.forgotten_seq >= seq


class Erasure:
    """One erasure, as far as its receipt says it has come.

    Args:
        store: Where the gallery is.
        replica: The gallery's, in this process.
        receipt: As the store has it.
    """

    def __init__(
        self, store: GalleryStore, replica: ErasingReplica, receipt: ErasureReceipt
    ) -> None:
        self._store = store
        self._replica = replica
        self._receipt = receipt

    def advance(self) -> ErasureReceipt:
        """Do all that can be done now.

        Raises:
            ReidError: When the store or the replica could not do its part; later it may.
        """
        if self._receipt.driver != self._replica.name:
            self._save(replace(self._receipt, driver=self._replica.name))
        if self._receipt.upto_seq is None:
            self._fix_what_is_meant()
        if self._receipt.state == "final":
            return self._receipt
        if is_pending(self._receipt, ROWS):
            self._delete_rows()
        if is_pending(self._receipt, ROWS):
            return self._receipt
        if not forget_upto(self._replica, self._receipt.deleted_seq):
            return self._receipt
        failpoint("erasure.forgotten")
        if is_pending(self._receipt, FILES):
            self._store.purge()
            failpoint("erasure.purged")
            self._save(with_place(self._receipt, FILES, "erased", now_s=self._store.now_s()))
        self._hear_replicas()
        return self._receipt

    def _fix_what_is_meant(self) -> None:
        """The identity is refused already, so that no row of a later write can be meant.

        Unless another process was quicker, has ended the erasure, and the person is back: a final
        receipt stays final in the store, and what the store has then is believed.
        """
        failpoint("erasure.begun")
        gallery_id = self._receipt.gallery_id
        upto_seq = self._store.state(gallery_id).seq
        self._replica.wait_for(upto_seq, _APPLY_S)
        self._receipt = replace(self._receipt, upto_seq=upto_seq)
        self._save(replace(self._receipt, tracklets=len(self._find(self._replica.view()))))
        self._receipt = held_receipt(self._store, gallery_id, self._receipt.receipt_id)

    def _delete_rows(self) -> None:
        gallery_id = self._receipt.gallery_id
        deleted = delete_found(self._store, gallery_id, self._replica, self._find)
        if not deleted.complete:
            return
        self._delete_damaged()
        failpoint("erasure.deleted")
        # The head of the log, not only our own last write: what somebody deleted or replaced
        # shortly before the erasure was asked for is dead, and its bytes are the same person's.
        head = self._store.state(gallery_id).seq
        now_s = self._store.now_s()
        done = with_place(self._receipt, ROWS, "erased", now_s=now_s)
        if self._receipt.identity is not None and self._replica.damaged_rows:
            done = with_place(done, DAMAGED, "operator", now_s=now_s)
        self._save(replace(done, deleted_seq=head))

    def _delete_damaged(self) -> None:
        """A row that cannot be read is in no index; its tracklet can be deleted all the same."""
        tracklet_id = self._receipt.tracklet_id
        if tracklet_id is None:
            return
        (row,) = self._store.rows(self._receipt.gallery_id, [tracklet_id])
        if isinstance(row, DamagedRow):
            self._store.write(self._receipt.gallery_id, Batch((Delete(tracklet_id),)))

    def _hear_replicas(self) -> None:
        now_s = self._store.now_s()
        marks = {mark.replica: mark for mark in self._store.replicas(self._receipt.gallery_id)}
        # What this replica has done it knows before its next mark says so.
        name, forgotten_seq = self._replica.name, self._replica.forgotten_seq
        marks[name] = ReplicaMark(name, 0, forgotten_seq, forgotten_seq, now_s)
        heard = finished(with_replicas(self._receipt, marks, now_s=now_s), now_s=now_s)
        if heard != self._receipt:
            self._save(heard)

    def _find(self, view: View) -> list[Found]:
        """The rows that are meant; expired ones are there too."""
        upto_seq = math.inf if self._receipt.upto_seq is None else self._receipt.upto_seq
        found = found_in(view, _chosen(self._receipt))
        return [(name, seq) for name, seq in found if seq <= upto_seq]

    def _save(self, receipt: ErasureReceipt) -> None:
        self._store.save_receipt(receipt)
        self._receipt = receipt


def _chosen(receipt: ErasureReceipt) -> Equals:
    if receipt.identity is not None:
        return Equals("identity", (receipt.identity,))
    return Equals("tracklet_id", (receipt.tracklet_id or "",))
