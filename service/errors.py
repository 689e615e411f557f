"""Every error the service raises on purpose, with its HTTP status and stable code.

    ReidError                       500
    ├── InvalidInput                422  invalid_input
    │   ├── InvalidMetadata         422  invalid_metadata
    │   ├── InvalidQuery            422  invalid_query
    │   ├── InvalidEmbedding        422  invalid_embedding
    │   ├── InvalidIdentifier       422  invalid_identifier
    │   ├── NoReadableFrame         422  no_readable_frame
    │   ├── TooManyFrames           422  too_many_frames
    │   └── DecodeBudgetExceeded    422  decode_budget_exceeded
    ├── MalformedRequest            400  malformed_request
    ├── Unauthorized                401  unauthorized         (WWW-Authenticate)
    ├── Forbidden                   403  forbidden
    ├── NotFound                    404  not_found
    │   ├── GalleryNotFound         404  gallery_not_found
    │   ├── TrackletNotFound        404  tracklet_not_found
    │   ├── IdentityNotFound        404  identity_not_found
    │   ├── ModelNotFound           404  model_not_found
    │   └── ReceiptNotFound         404  receipt_not_found
    ├── MethodNotAllowed            405  method_not_allowed
    ├── Conflict                    409  conflict
    │   ├── ModelMismatch           409  model_mismatch
    │   ├── GalleryExists           409  gallery_exists
    │   ├── SeqConflict             409  seq_conflict
    │   ├── IdempotencyConflict     409  idempotency_conflict
    │   └── IdentityBeingErased     409  identity_being_erased
    ├── BodyTooLarge                413  body_too_large
    ├── UnsupportedMediaType        415  unsupported_media_type
    ├── Overloaded                  429  overloaded           (Retry-After)
    │   └── QuotaExceeded           429  quota_exceeded       (Retry-After)
    ├── DecodeFailed                500  decode_failed
    ├── InferenceFailed             500  inference_failed
    ├── SnapshotFailed              500  snapshot_failed
    │   └── SnapshotUnusable        500  snapshot_unusable
    ├── NotReady                    503  not_ready            (Retry-After)
    │   ├── ReplicaBehind           503  replica_behind       (Retry-After)
    │   └── ReplicaDiverged         503  replica_diverged     (Retry-After)
    ├── StoreUnavailable            503  store_unavailable    (Retry-After)
    │   ├── OutcomeUnknown          503  outcome_unknown      (Retry-After)
    │   └── LogTrimmed              503  log_trimmed
    ├── DeadlineExceeded            504  deadline_exceeded
    └── CapacityExceeded            507  capacity_exceeded

Those of access are in `service/access/refusals.py`, all others here;
`service/api/error_handlers.py` is the only place that turns one into a response.
"""

from typing import ClassVar


class ReidError(Exception):
    """An error a caller can act on: what was expected, what came, what to do.

    Attributes:
        expected: What the service would have accepted.
        received: What came instead; never pixels, vectors or secrets.
        remedy: What the caller can do.
        retry_after_s: Seconds until a retry makes sense, or None.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"

    def __init__(
        self, *, expected: str, received: str, remedy: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(f"expected {expected}, received {received}; {remedy}")
        self.expected = expected
        self.received = received
        self.remedy = remedy
        self.retry_after_s = retry_after_s


class InvalidInput(ReidError):
    """The request was understood and its content cannot be used."""

    status = 422
    code = "invalid_input"


class InvalidMetadata(InvalidInput):
    """The metadata of a tracklet breaks its schema."""

    code = "invalid_metadata"


class InvalidQuery(InvalidInput):
    """The search options break their schema or contradict each other."""

    code = "invalid_query"


class InvalidEmbedding(InvalidInput):
    """An embedding has the wrong dimension, a value that is not finite, or no length."""

    code = "invalid_embedding"


class InvalidIdentifier(InvalidInput):
    """A tracklet, identity, camera or gallery name has characters or a length not allowed."""

    code = "invalid_identifier"


class NoReadableFrame(InvalidInput):
    """Not one frame of the tracklet could be decoded."""

    code = "no_readable_frame"


class TooManyFrames(InvalidInput):
    """The tracklet has more frames than the service accepts."""

    code = "too_many_frames"


class DecodeBudgetExceeded(InvalidInput):
    """Decoding the tracklet takes more time or pixels than one tracklet may take."""

    code = "decode_budget_exceeded"


class MalformedRequest(ReidError):
    """The body is not the JSON or multipart it says it is."""

    status = 400
    code = "malformed_request"


class NotFound(ReidError):
    """A path that is not served, or a thing that is not there."""

    status = 404
    code = "not_found"


class GalleryNotFound(NotFound):
    """No gallery has this name."""

    code = "gallery_not_found"


class TrackletNotFound(NotFound):
    """The gallery holds no tracklet with this id."""

    code = "tracklet_not_found"


class IdentityNotFound(NotFound):
    """The gallery holds no tracklet of this identity."""

    code = "identity_not_found"


class ModelNotFound(NotFound):
    """Another model is served than the one that was asked for."""

    code = "model_not_found"


class ReceiptNotFound(NotFound):
    """No erasure has this receipt."""

    code = "receipt_not_found"


class MethodNotAllowed(ReidError):
    """The path exists and does not take this method."""

    status = 405
    code = "method_not_allowed"


class Conflict(ReidError):
    """The request contradicts what is stored; nothing was changed."""

    status = 409
    code = "conflict"


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


class BodyTooLarge(ReidError):
    """The body has more bytes than the service accepts."""

    status = 413
    code = "body_too_large"


class UnsupportedMediaType(ReidError):
    """The body's content type is not one that the path takes."""

    status = 415
    code = "unsupported_media_type"


class Overloaded(ReidError):
    """The queue is full; nothing of the request was kept."""

    status = 429
    code = "overloaded"


class DecodeFailed(ReidError):
    """The decoder itself failed on this tracklet alone; frames it cannot read are no failure."""

    code = "decode_failed"


class InferenceFailed(ReidError):
    """The runtime failed on this tracklet alone."""

    code = "inference_failed"


class SnapshotFailed(ReidError):
    """A snapshot could not be written; the ones before and the store are untouched."""

    code = "snapshot_failed"


class SnapshotUnusable(SnapshotFailed):
    """A snapshot is damaged, or of something else; it is ignored."""

    code = "snapshot_unusable"


class NotReady(ReidError):
    """The service is starting, draining, or has found a fault it will not serve over."""

    status = 503
    code = "not_ready"


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


class DeadlineExceeded(ReidError):
    """The request took longer than it may."""

    status = 504
    code = "deadline_exceeded"


class CapacityExceeded(ReidError):
    """The gallery or the store is full; nothing was written, and deletions still work."""

    status = 507
    code = "capacity_exceeded"
