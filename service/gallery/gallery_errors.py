"""What a gallery, its store or a copy of it refuses; the tree of all is in `service/errors.py`."""

from service.errors import Conflict, NotFound, NotReady, ReidError


class GalleryNotFound(NotFound):
    """No gallery has this name."""

    code = "gallery_not_found"


class TrackletNotFound(NotFound):
    """The gallery holds no tracklet with this id."""

    code = "tracklet_not_found"


class IdentityNotFound(NotFound):
    """The gallery holds no tracklet of this identity."""

    code = "identity_not_found"


class ReceiptNotFound(NotFound):
    """No erasure has this receipt."""

    code = "receipt_not_found"


class ModelMismatch(Conflict):
    """The gallery belongs to another model."""

    code = "model_mismatch"


class GalleryExists(Conflict):
    """The name belongs to another gallery or to an alias."""

    code = "gallery_exists"


class SeqConflict(Conflict):
    """A row is not at the `seq` that the request demands.

    Attributes:
        held: From the id of each such tracklet to the `seq` it has; 0 where there is none.
    """

    code = "seq_conflict"

    def __init__(self, held: dict[str, int]) -> None:
        first = next(iter(held))
        super().__init__(
            expected="every row at the `if_seq` of its change",
            received=f"{len(held)} at another; {first!r} is at {held[first]}",
            remedy="read the rows again and decide anew",
        )
        self.held = held


class IdempotencyConflict(Conflict):
    """The idempotency key was used for another request."""

    code = "idempotency_conflict"


class IdentityBeingErased(Conflict):
    """The identity is being erased and cannot be enrolled until that has ended."""

    code = "identity_being_erased"


class SnapshotFailed(ReidError):
    """A snapshot could not be written; the ones before and the store are untouched."""

    code = "snapshot_failed"


class SnapshotUnusable(SnapshotFailed):
    """A snapshot is damaged, or of something else; it is ignored."""

    code = "snapshot_unusable"


class ReplicaBehind(NotReady):
    """This replica has not yet seen the write that the request asks it to have seen."""

    code = "replica_behind"


class ReplicaDiverged(NotReady):
    """What this replica holds is not what the store holds; it is thrown away and read anew."""

    code = "replica_diverged"


class StoreUnavailable(ReidError):
    """The store could not be read or written; a write was not acknowledged."""

    status = 503
    code = "store_unavailable"


class OutcomeUnknown(StoreUnavailable):
    """The connection broke during a write: it was made whole, or not at all."""

    code = "outcome_unknown"


class LogTrimmed(StoreUnavailable):
    """The log no longer has the entries that a reader needs; it must read the rows again."""

    code = "log_trimmed"


class CapacityExceeded(ReidError):
    """The gallery or the store is full; nothing was written, and deletions still work."""

    status = 507
    code = "capacity_exceeded"
