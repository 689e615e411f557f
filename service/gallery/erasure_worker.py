"""The owned thread that carries erasures to their end, this process' and those left by others.

Every process with a replica runs one. It carries out the erasures it was asked for, before or
after a restart, and takes over those whose own process has stopped for good. For all the
others it makes its own replica forget, which the replica's mark then confirms.
"""

import time
from collections.abc import Callable

from service.errors import ReidError
from service.gallery.erasure import ErasingReplica, Erasure, forget_upto, held_receipt
from service.gallery.erasure_places import (
    Subject,
    has_stopped,
    new_receipt,
    subject_of,
    with_late_replicas,
)
from service.gallery.periodic_thread import PeriodicThread
from service.gallery.stores.erasure_receipt import ErasureReceipt
from service.gallery.stores.protocol import GalleryInfo, GalleryStore


class ErasureWorker:
    """Begins erasures and sees them through.

    Args:
        store: Where the galleries are.
        replica_of: This process' replica of a gallery, opened when it is not yet; it may raise.
        name: Of this process' replicas.
        deadline_s: How long a replica that says nothing is waited for.
        poll_s: Seconds between two looks at what is left to do.
    """

    def __init__(
        self,
        store: GalleryStore,
        replica_of: Callable[[GalleryInfo], ErasingReplica],
        *,
        name: str,
        deadline_s: float,
        poll_s: float = 1.0,
    ) -> None:
        self._store = store
        self._replica_of = replica_of
        self._name = name
        self._deadline_s = deadline_s
        self._pending = 0
        self._overdue = 0
        self._thread = PeriodicThread("erasure", self.work, every_s=poll_s)

    @property
    def alive(self) -> bool:
        """Whether erasures go on."""
        return self._thread.alive

    @property
    def pending(self) -> int:
        """Erasures of all galleries that were not final when last looked at."""
        return self._pending

    @property
    def overdue(self) -> int:
        """Those among them whose deadline is over."""
        return self._overdue

    def start(self) -> None:
        """Go on with what an earlier process left."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the step that is being done; the next process goes on."""
        self._thread.close()

    def request(self, gallery_id: str, subject: Subject) -> ErasureReceipt:
        """Begin an erasure; one of the same subject that will erase all that there is is that one.

        Nobody need be enrolled: what was deleted before is forgotten too.
        """
        for receipt in self._store.receipts(gallery_id):
            if subject_of(receipt) == subject and _takes_all(receipt):
                return receipt
        receipt = new_receipt(
            gallery_id,
            subject,
            driver=self._name,
            now_s=self._store.now_s(),
            deadline_s=self._deadline_s,
        )
        self._store.begin_erasure(receipt)
        self._thread.wake()
        return receipt

    def receipt(self, gallery_id: str, receipt_id: str) -> ErasureReceipt:
        """The receipt as it is now.

        Raises:
            ReceiptNotFound: When the gallery has none of this id.
        """
        return held_receipt(self._store, gallery_id, receipt_id)

    def wait(self, receipt: ErasureReceipt, timeout_s: float) -> ErasureReceipt:
        """The receipt once it is final, or as it is when the time is over."""
        until_s = time.monotonic() + timeout_s
        while receipt.state != "final" and time.monotonic() < until_s:
            time.sleep(min(0.05, timeout_s))
            self._thread.wake()
            receipt = self.receipt(receipt.gallery_id, receipt.receipt_id)
        return receipt

    def work(self) -> None:
        """Look once at every receipt, and do what can be done now.

        Raises:
            ReidError: The first one met, when all receipts have been looked at.
        """
        pending: list[ErasureReceipt] = []
        failed: list[ReidError] = []
        for info in self._store.galleries():
            receipts = self._store.receipts(info.gallery_id)
            if not receipts:
                continue
            try:
                left = self._work_on(info, receipts)
            except ReidError as error:
                failed.append(error)
                left = [receipt for receipt in receipts if receipt.state == "erasing"]
            pending += left
        now_s = self._store.now_s()
        self._pending = len(pending)
        self._overdue = sum(receipt.deadline_s < now_s for receipt in pending)
        if failed:
            raise failed[0]

    def _work_on(
        self, info: GalleryInfo, receipts: tuple[ErasureReceipt, ...]
    ) -> list[ErasureReceipt]:
        """Receipts of the gallery that are still not final."""
        replica = self._replica_of(info)
        forget_upto(replica, max(receipt.deleted_seq for receipt in receipts))
        left = []
        for receipt in receipts:
            now = receipt
            if receipt.state == "final":
                self._hear_late_replicas(receipt)
            elif self._is_mine(receipt):
                now = Erasure(self._store, replica, receipt).advance()
            left += [now] if now.state == "erasing" else []
        return left

    def _is_mine(self, receipt: ErasureReceipt) -> bool:
        if receipt.driver == self._name:
            return True
        marks = {mark.replica: mark for mark in self._store.replicas(receipt.gallery_id)}
        return has_stopped(marks.get(receipt.driver), now_s=self._store.now_s())

    def _hear_late_replicas(self, receipt: ErasureReceipt) -> None:
        """One that was left to the operator may have come back, and have forgotten."""
        if not any(one.replica and one.state == "operator" for one in receipt.places):
            return
        marks = {mark.replica: mark for mark in self._store.replicas(receipt.gallery_id)}
        heard = with_late_replicas(receipt, marks, now_s=self._store.now_s())
        if heard != receipt:
            self._store.save_receipt(heard)


def _takes_all(receipt: ErasureReceipt) -> bool:
    """Whether the erasure has yet to take everything of its subject that was written until now.

    Nobody enrolls an identity meanwhile. A tracklet may have been, after what is meant was fixed.
    """
    is_fixed = receipt.identity is None and receipt.upto_seq is not None
    return receipt.state == "erasing" and not is_fixed
