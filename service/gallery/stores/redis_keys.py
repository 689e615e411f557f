"""Names of what the store keeps in Redis.

    reid:layout            of which release the keys are
    reid:catalog           hash    name → gallery id
    reid:alias             hash    alias → gallery id
    reid:dropped           set     ids of galleries that were dropped, and not lost
    reid:audit             stream  entries of the audit log
    reid:{ID}:meta         hash    specification, and state after the last write
    reid:{ID}:rows         hash    tracklet id → packed row
    reid:{ID}:log          stream  seq-0 → keys, p (hash before), h (hash)
    reid:{ID}:idem:KEY     string  answer to a request, for a day
    reid:{ID}:replicas     hash    replica → how far it has come
    reid:{ID}:receipts     hash    receipt id → receipt
    reid:{ID}:erasing      hash    receipt id → identity, of erasures under way

Ids of tracklets, identities and replicas are fields of a hash and never part of a name, so that no
id, whatever its characters, can reach another gallery. All rows of a gallery are one hash: a scan
of it passes over no other's, and the braces keep its keys together.
"""

import re
from dataclasses import dataclass

from service.gallery.gallery_errors import GalleryNotFound

LAYOUT = "reid:layout"
CATALOG = "reid:catalog"
ALIAS = "reid:alias"
DROPPED = "reid:dropped"
AUDIT = "reid:audit"

_GALLERY_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class GalleryKeys:
    """Names of the keys of one gallery."""

    meta: str
    rows: str
    log: str
    replicas: str
    receipts: str
    erasing: str
    answers: str

    def answer(self, idempotency_key: str) -> str:
        """Where the answer to a request is."""
        return self.answers + idempotency_key

    def all_but_answers(self) -> tuple[str, ...]:
        """Every key that lasts, the meta first."""
        return (self.meta, self.rows, self.log, self.replicas, self.receipts, self.erasing)


def keys_of(gallery_id: str) -> GalleryKeys:
    """The keys of the gallery.

    Raises:
        GalleryNotFound: When no gallery can have this id.
    """
    if not _GALLERY_ID.fullmatch(gallery_id):
        raise gallery_not_found(gallery_id)
    start = f"reid:{{{gallery_id}}}:"
    return GalleryKeys(
        meta=start + "meta",
        rows=start + "rows",
        log=start + "log",
        replicas=start + "replicas",
        receipts=start + "receipts",
        erasing=start + "erasing",
        answers=start + "idem:",
    )


def gallery_not_found(gallery_id: str) -> GalleryNotFound:
    """The error of an id that no gallery has."""
    return GalleryNotFound(
        expected="the id of a gallery in the store",
        received=repr(gallery_id[:60]),
        remedy="list the galleries; one that was dropped does not come back",
    )
