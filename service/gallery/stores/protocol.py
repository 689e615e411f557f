"""What a durable store must offer. It is the truth; every index and snapshot is derived from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.batch import Batch, Written
from service.gallery.stores.erasure_receipt import ErasureReceipt
from service.gallery.stores.log_chain import LogEntry
from service.gallery.stores.row_codec import StoredRow


@dataclass(frozen=True, slots=True)
class GalleryModel:
    """The model whose embeddings a gallery holds, and their dimension."""

    fingerprint: str
    dimension: int


@dataclass(frozen=True, slots=True)
class GallerySpec:
    """What is decided when a gallery is created.

    Attributes:
        model: Whose embeddings it holds.
        max_tracklets: More are refused; None for no limit of its own.
        retention_s: Tracklets without a moment of expiry get one this long after their
            enrolment; None keeps them.
    """

    model: GalleryModel
    max_tracklets: int | None = None
    retention_s: float | None = None


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """A gallery of the store.

    Attributes:
        gallery_id: Random and never used again; a gallery dropped and created anew has another.
        name: Under which it was created.
        created_s: When, in Unix seconds of the store's clock.
    """

    gallery_id: str
    name: str
    spec: GallerySpec
    created_s: float


@dataclass(frozen=True, slots=True)
class GalleryState:
    """Two holders of a gallery are equal when their states are.

    Attributes:
        seq: Number of the last write.
        tracklets: How many are held.
        digest: XOR of `row_digest` over them.
        chain: Hash of the last entry of the log.
    """

    seq: int
    tracklets: int
    digest: int
    chain: str


@dataclass(frozen=True, slots=True)
class ReplicaMark:
    """How far one reader of the log has come.

    Attributes:
        replica: Its name.
        snapshot_seq: Last write in its newest snapshot, 0 without one; the log after it is kept.
        applied_seq: Last write that its searches see.
        forgotten_seq: No byte of a row that a write up to this one replaced or deleted is left in
            its memory or its snapshots.
        seen_s: When it said so, by the store's clock.
    """

    replica: str
    snapshot_seq: int
    applied_seq: int
    forgotten_seq: int
    seen_s: float


class GalleryStore(Protocol):
    """Named galleries of tracklets; any thread may call any method between `open` and `close`.

    A write is durable, whole, when its call returns. When it raises `OutcomeUnknown` all or none
    of it is; when it raises anything else, none. Every call may raise `StoreUnavailable`, and
    every one with a `gallery_id`, `GalleryNotFound`.
    """

    def open(self) -> None:
        """Take the store into use.

        Raises:
            StoreUnavailable: When it cannot keep the promises above: not reachable, configured
                to lose writes, of a newer release, or in use by another process.
        """
        ...

    def close(self) -> None:
        """Give it back; closing what is not open does nothing."""
        ...

    def now_s(self) -> float:
        """The store's clock in Unix seconds: the same one for every replica."""
        ...

    def check(self) -> None:
        """Ask for a sign of life, and whether the configuration still keeps the promises.

        Raises:
            StoreUnavailable: When there is none, or it does not.
        """
        ...

    # The catalogue.

    def create_gallery(self, name: str, spec: GallerySpec) -> GalleryInfo:
        """Create an empty gallery; one of this name and the same specification stays as it is.

        Raises:
            GalleryExists: When the name is taken by another specification, or by an alias.
        """
        ...

    def galleries(self) -> tuple[GalleryInfo, ...]:
        """Every gallery, by name."""
        ...

    def drop_gallery(self, gallery_id: str) -> None:
        """Delete a gallery, its log and its aliases."""
        ...

    def give_up_gallery(self, gallery_id: str) -> None:
        """Remember a gallery that the store has lost as one that was dropped."""
        ...

    def was_dropped(self, gallery_id: str) -> bool:
        """Whether a gallery of this id was dropped; a store that lost everything says no."""
        ...

    def aliases(self) -> dict[str, str]:
        """From alias to gallery id."""
        ...

    def set_alias(self, alias: str, gallery_id: str | None) -> None:
        """Point the alias at a gallery, in one step; None removes it.

        Raises:
            GalleryExists: When a gallery has this name.
        """
        ...

    # Rows.

    def state(self, gallery_id: str) -> GalleryState:
        """Where the gallery stands after its last write."""
        ...

    def write(self, gallery_id: str, batch: Batch) -> Written:
        """Make all changes of the batch durable, or none.

        Raises:
            SeqConflict: When an `if_seq` does not hold; names each such row and its `seq`.
            IdempotencyConflict: When the key belongs to another request.
            IdentityBeingErased: When an upsert enrolls an identity that is being erased.
            CapacityExceeded: When the gallery or the store is full; deletions still work.
            OutcomeUnknown: When the connection broke: repeat with the same key.
        """
        ...

    def rows(self, gallery_id: str, tracklet_ids: Sequence[str]) -> list[StoredRow | None]:
        """The current row of each id; None where there is none."""
        ...

    def scan(self, gallery_id: str) -> Iterator[list[StoredRow]]:
        """Every row, in pieces; one that is written meanwhile may come in its old or new form."""
        ...

    # The log.

    def log(
        self, gallery_id: str, *, after: int, limit: int, wait_s: float = 0.0
    ) -> list[LogEntry]:
        """At most `limit` entries that follow write `after`; waits up to `wait_s` for the first.

        Raises:
            LogTrimmed: When the entry `after + 1` has been trimmed away.
        """
        ...

    def entry_hash(self, gallery_id: str, seq: int) -> str | None:
        """The hash of entry `seq`; None when it is not in the log. Of 0, the first hash."""
        ...

    def trim_log(self, gallery_id: str, *, upto: int) -> None:
        """Forget the entries up to and including `upto`."""
        ...

    def mark_replica(self, gallery_id: str, mark: ReplicaMark) -> None:
        """Say how far a reader has come."""
        ...

    def replicas(self, gallery_id: str) -> tuple[ReplicaMark, ...]:
        """Every reader that has said so."""
        ...

    # Forgetting, and the record of it.

    def begin_erasure(self, receipt: ErasureReceipt) -> None:
        """Keep the receipt, and refuse to enroll its identity from now on, in one step.

        The receipt of one tracklet has no identity, and nothing is refused for it.
        """
        ...

    def save_receipt(self, receipt: ErasureReceipt) -> None:
        """Replace the receipt; once it is final, its identity may be enrolled again.

        A final receipt stays final: one that is not final does not replace it.
        """
        ...

    def receipts(self, gallery_id: str) -> tuple[ErasureReceipt, ...]:
        """Every receipt of the gallery, oldest first."""
        ...

    def purge(self) -> None:
        """Return when no byte of a deleted or replaced row is left in the store's files."""
        ...

    def audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the audit log."""
        ...

    def audit_entries(self, *, after: str | None, limit: int) -> list[tuple[str, AuditEntry]]:
        """At most `limit` entries, oldest first, each with the position that `after` takes."""
        ...

    def trim_audit(self, *, before_s: float) -> None:
        """Forget the entries of the audit log that are older than this moment."""
        ...
