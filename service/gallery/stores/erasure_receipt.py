"""The receipt of an erasure: what became of every place where bytes of the person may have been.

It names whom, where and when, and holds nothing biometric. A store keeps it as the text that
`receipt_text` makes of it.
"""

import json
from dataclasses import asdict, dataclass
from typing import Literal

ReceiptState = Literal["erasing", "final"]
PlaceState = Literal["pending", "erased", "never_stored", "operator"]
"""`operator`: the service cannot reach it, and says what is left to do."""


@dataclass(frozen=True, slots=True)
class ErasurePlace:
    """One place.

    Attributes:
        place: What it is.
        state: What became of it.
        at_s: Since when, in Unix seconds of the store's clock.
        replica: Whose memory or snapshots these are; None for what all replicas share.
    """

    place: str
    state: PlaceState
    at_s: float
    replica: str | None = None


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What is known of the erasure of an identity or of one tracklet.

    Attributes:
        receipt_id: Random.
        gallery_id: Where.
        identity: Whom; None when it is one tracklet.
        tracklet_id: Which tracklet; None when it is an identity.
        driver: The replica that carries the erasure out.
        state: `final` once no place is `pending`.
        places: All of them.
        requested_s: When it was asked for, by the store's clock.
        deadline_s: When a replica that says nothing is left to the operator.
        final_s: When it ended.
        upto_seq: Rows of later writes are not meant; None until this is known.
        deleted_seq: The last write that deleted a row for it, 0 before.
        tracklets: How many were deleted.
    """

    receipt_id: str
    gallery_id: str
    identity: str | None
    tracklet_id: str | None
    driver: str
    state: ReceiptState
    places: tuple[ErasurePlace, ...]
    requested_s: float
    deadline_s: float
    final_s: float | None = None
    upto_seq: int | None = None
    deleted_seq: int = 0
    tracklets: int = 0


def receipt_text(receipt: ErasureReceipt) -> str:
    """The receipt as JSON."""
    return json.dumps(asdict(receipt), separators=(",", ":"))


def parse_receipt(text: str | bytes) -> ErasureReceipt:
    """The receipt that `receipt_text` wrote."""
    fields = json.loads(text)
    places = tuple(ErasurePlace(**place) for place in fields.pop("places"))
    return ErasureReceipt(places=places, **fields)
