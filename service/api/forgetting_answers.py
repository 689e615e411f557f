"""What the service answers about erasures and the audit log."""

from service.api.answers import Answer
from service.gallery.stores.erasure_receipt import ErasureReceipt, PlaceState, ReceiptState


class ErasedPlaceAnswer(Answer):
    """One place where bytes of the person may have been, and what became of it since when."""

    place: str
    replica: str | None
    state: PlaceState
    at: float


class ErasureAnswer(Answer):
    """A receipt; it is final when no place is pending, and holds nothing biometric."""

    receipt_id: str
    gallery: str
    gallery_id: str
    identity: str | None
    tracklet_id: str | None
    state: ReceiptState
    tracklets: int
    places: list[ErasedPlaceAnswer]
    requested: float
    deadline: float
    final: float | None


class ErasuresAnswer(Answer):
    """Every erasure of a gallery, oldest first."""

    erasures: list[ErasureAnswer]


class AuditEntryAnswer(Answer):
    """Who did what, when, and to what purpose."""

    at: float
    actor: str
    action: str
    gallery: str
    subject: str | None
    purpose: str | None
    request_id: str | None
    count: int | None


class AuditAnswer(Answer):
    """One page of the audit log, oldest first.

    The cursor of an empty last page is the one that was asked with: entries come later.
    """

    entries: list[AuditEntryAnswer]
    next_cursor: str | None


def erasure_answer(gallery: str, receipt: ErasureReceipt) -> ErasureAnswer:
    """A receipt of the gallery of this name, for an answer."""
    return ErasureAnswer(
        receipt_id=receipt.receipt_id,
        gallery=gallery,
        gallery_id=receipt.gallery_id,
        identity=receipt.identity,
        tracklet_id=receipt.tracklet_id,
        state=receipt.state,
        tracklets=receipt.tracklets,
        places=[
            ErasedPlaceAnswer(place=one.place, replica=one.replica, state=one.state, at=one.at_s)
            for one in receipt.places
        ],
        requested=receipt.requested_s,
        deadline=receipt.deadline_s,
        final=receipt.final_s,
    )
