"""Receipts of erasures and marks of replicas, as tests put them into a store."""

from dataclasses import replace

from service.gallery.stores.erasure_receipt import ErasurePlace, ErasureReceipt
from service.gallery.stores.protocol import ReplicaMark


def receipt(gallery: str, receipt_id: str = "r1", **known: object) -> ErasureReceipt:
    """The receipt of an erasure of identity `p` that has just begun."""
    places = (ErasurePlace("store", "pending", 10.0), ErasurePlace("memory", "pending", 10.0, "é"))
    begun = ErasureReceipt(
        receipt_id=receipt_id,
        gallery_id=gallery,
        identity="p",
        tracklet_id=None,
        driver="replica-1",
        state="erasing",
        places=places,
        requested_s=10.0,
        deadline_s=70.5,
    )
    return replace(begun, **known)


def mark(replica: str, seen_s: float = 5.5, **known: int) -> ReplicaMark:
    seqs = {"snapshot_seq": 1, "applied_seq": 2, "forgotten_seq": 0, **known}
    return ReplicaMark(replica, seen_s=seen_s, **seqs)
