"""Every place where bytes of an erased person may have been, and how each one's state moves on."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from service.gallery.stores.erasure_receipt import ErasurePlace, ErasureReceipt, PlaceState
from service.gallery.stores.protocol import ReplicaMark

ROWS = "rows of the store"
FILES = "files of the store"
LOG = "log of the store: it has names of tracklets, no embedding"
DAMAGED = "damaged rows of the store: whose they are cannot be read"
IMAGES = "frames: dropped once they are embedded"
BACKUPS = "backups: the operator's"
OF_REPLICA = ("memory of the index", "approximate index", "snapshots")

PRESENT_S = 900.0
"""A replica that has said nothing for so long is taken to have stopped; an idle one repeats its
mark every ten minutes."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom or what to erase: an identity, or one tracklet."""

    identity: str | None = None
    tracklet_id: str | None = None


def new_receipt(
    gallery_id: str, subject: Subject, *, driver: str, now_s: float, deadline_s: float
) -> ErasureReceipt:
    """The receipt of an erasure that is asked for now.

    Args:
        gallery_id: Where.
        subject: Whom.
        driver: The replica that was asked.
        now_s: By the store's clock.
        deadline_s: How long a replica that says nothing is waited for.
    """
    places = (
        *(ErasurePlace(place, "pending", now_s) for place in (ROWS, FILES)),
        *(ErasurePlace(place, "pending", now_s, driver) for place in OF_REPLICA),
        *(ErasurePlace(place, "never_stored", now_s) for place in (LOG, IMAGES)),
        ErasurePlace(BACKUPS, "operator", now_s),
    )
    return ErasureReceipt(
        receipt_id=uuid.uuid4().hex,
        gallery_id=gallery_id,
        identity=subject.identity,
        tracklet_id=subject.tracklet_id,
        driver=driver,
        state="erasing",
        places=places,
        requested_s=now_s,
        deadline_s=now_s + deadline_s,
    )


def subject_of(receipt: ErasureReceipt) -> Subject:
    """Whom the receipt is about."""
    return Subject(receipt.identity, receipt.tracklet_id)


def is_pending(receipt: ErasureReceipt, place: str) -> bool:
    """Whether this place, which all replicas share, is not done with."""
    return any(one.place == place and one.state == "pending" for one in receipt.places)


def with_place(
    receipt: ErasureReceipt,
    place: str,
    state: PlaceState,
    *,
    now_s: float,
    of_replica: str | None = None,
) -> ErasureReceipt:
    """The receipt with this place in this state; one that is in it already keeps its time."""
    changed = ErasurePlace(place, state, now_s, of_replica)
    places = list(receipt.places)
    for position, one in enumerate(places):
        if (one.place, one.replica) == (place, of_replica):
            if one.state != state:
                places[position] = changed
            break
    else:
        places.append(changed)
    return replace(receipt, places=tuple(places))


def with_replicas(
    receipt: ErasureReceipt, marks: Mapping[str, ReplicaMark], *, now_s: float
) -> ErasureReceipt:
    """The receipt with what every replica says of itself.

    A replica that has stopped, and stayed away for as long as the receipt waits, is left to the
    operator; should it come back, `with_late_replicas` says when it has forgotten.

    Args:
        receipt: One whose `deleted_seq` is known.
        marks: By name of the replica.
        now_s: By the store's clock.
    """
    listed = {one.replica for one in receipt.places if one.replica is not None}
    for name in sorted(listed | marks.keys()):
        state = _state_of_replica(receipt, marks.get(name), now_s)
        for place in OF_REPLICA:
            receipt = with_place(receipt, place, state, now_s=now_s, of_replica=name)
    return receipt


def with_late_replicas(
    receipt: ErasureReceipt, marks: Mapping[str, ReplicaMark], *, now_s: float
) -> ErasureReceipt:
    """A final receipt with those replicas that were left to the operator, and forgot later."""
    for one in receipt.places:
        mark = marks.get(one.replica or "")
        if mark is None or one.state != "operator" or mark.forgotten_seq < receipt.deleted_seq:
            continue
        receipt = with_place(receipt, one.place, "erased", now_s=now_s, of_replica=one.replica)
    return receipt


def finished(receipt: ErasureReceipt, *, now_s: float) -> ErasureReceipt:
    """The receipt, final when no place is pending."""
    if receipt.state == "final" or any(one.state == "pending" for one in receipt.places):
        return receipt
    return replace(receipt, state="final", final_s=now_s)


def has_stopped(mark: ReplicaMark | None, *, now_s: float) -> bool:
    """Whether a replica with this mark no longer runs, as far as anybody can tell."""
    return mark is None or now_s - mark.seen_s > PRESENT_S


def _state_of_replica(
    receipt: ErasureReceipt, mark: ReplicaMark | None, now_s: float
) -> PlaceState:
    if mark is not None and mark.forgotten_seq >= receipt.deleted_seq:
        return "erased"
    seen_s = receipt.requested_s if mark is None else mark.seen_s
    patience_s = max(receipt.deadline_s - receipt.requested_s, PRESENT_S)
    return "operator" if now_s - seen_s > patience_s else "pending"
