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

Those of galleries and their stores are in `service/gallery/gallery_errors.py`, those of access in
`service/access/refusals.py`, all others here; `service/api/error_handlers.py` is the only place
that turns one into a response.
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


class ModelNotFound(NotFound):
    """Another model is served than the one that was asked for."""

    code = "model_not_found"


class MethodNotAllowed(ReidError):
    """The path exists and does not take this method."""

    status = 405
    code = "method_not_allowed"


class Conflict(ReidError):
    """The request contradicts what is stored; nothing was changed."""

    status = 409
    code = "conflict"


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


class NotReady(ReidError):
    """The service is starting, draining, or has found a fault it will not serve over."""

    status = 503
    code = "not_ready"


class DeadlineExceeded(ReidError):
    """The request took longer than it may."""

    status = 504
    code = "deadline_exceeded"
