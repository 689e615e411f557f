"""What the service answers about galleries, identities, batches, and lines of bulk and import."""

from typing import Literal

from service.api.answers import Answer, ErrorDetail, FramesAnswer

OutcomeName = Literal["created", "replaced", "deleted", "absent"]


class GalleryModelAnswer(Answer):
    """The model whose embeddings a gallery holds."""

    fingerprint: str
    dimension: int


class GalleryAnswer(Answer):
    """A gallery of the store."""

    gallery: str
    gallery_id: str
    model: GalleryModelAnswer
    created: float
    max_tracklets: int | None
    retention_s: float | None
    aliases: list[str]


class GalleriesAnswer(Answer):
    """Every gallery, by name."""

    galleries: list[GalleryAnswer]


class DescribedGalleryAnswer(GalleryAnswer):
    """A gallery, and how this process holds it; digests and chains are hexadecimal.

    `tier` is `ann` where an approximate index may answer wide searches, else `exact`.
    """

    replica: str
    phase: str
    ready: bool
    reason: str
    tracklets: int
    seq: int
    digest: str
    chain: str
    tier: str
    stored_seq: int
    stale_for_s: float
    snapshot_seq: int
    quarantined: int
    embedding_bytes: int


class DroppedGalleryAnswer(Answer):
    """A gallery that is no more."""

    deleted: bool
    gallery: str
    gallery_id: str


class AliasAnswer(Answer):
    """An alias and what it means."""

    alias: str
    gallery: str
    gallery_id: str


class AliasesAnswer(Answer):
    """Every alias, by name."""

    aliases: list[AliasAnswer]


class RemovedAliasAnswer(Answer):
    """An alias that is no more."""

    deleted: bool
    alias: str


class DigestAnswer(Answer):
    """Two replicas, or a replica and the store, hold the same where all of this is equal."""

    gallery: str
    gallery_id: str
    replica: str
    seq: int
    tracklets: int
    digest: str
    chain: str


class ChangeAnswer(Answer):
    """What became of one tracklet of a batch."""

    tracklet_id: str
    outcome: OutcomeName


class BatchAnswer(Answer):
    """An acknowledged batch: durable whole; `visible` unless this replica is behind."""

    gallery: str
    gallery_id: str
    seq: int
    visible: bool
    repeated: bool
    results: list[ChangeAnswer]


class LineAnswer(Answer):
    """What became of one line: an outcome with the `seq` of its write, or an error.

    `frames` says what became of a line's frames; null of a line with an embedding.
    """

    line: int
    tracklet_id: str | None
    outcome: OutcomeName | None = None
    seq: int | None = None
    visible: bool = False
    frames: FramesAnswer | None = None
    error: ErrorDetail | None = None


class BulkEndAnswer(Answer):
    """Last line of an answer to lines: without it, lines were not all worked on.

    `complete` is for an import: whether the export that it came from came whole.
    """

    done: Literal[True] = True
    gallery: str
    gallery_id: str
    received: int
    created: int
    replaced: int
    failed: int
    seq: int | None
    complete: bool


class DeletedChosenAnswer(Answer):
    """How many tracklets were deleted."""

    deleted: int
    seq: int


class IdentityAnswer(Answer):
    """An identity and how many tracklets it has."""

    identity: str
    tracklets: int


class IdentitiesAnswer(Answer):
    """One page of identities by name; `next_cursor` is null on the last."""

    identities: list[IdentityAnswer]
    next_cursor: str | None
    seq: int


class MovedAnswer(Answer):
    """How many tracklets have another identity now, as every search from `seq` on sees it."""

    moved: int
    seq: int
