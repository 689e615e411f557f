"""Applies the log of the store to an index: every entry in its place, or not at all."""

from collections.abc import Callable, Iterator, Sequence

from service.gallery.failpoints import failpoint
from service.gallery.gallery_errors import ReplicaDiverged
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.replica.ledger import Ledger, Taken
from service.gallery.stores.log_chain import LogEntry
from service.gallery.stores.protocol import GalleryState, GalleryStore
from service.gallery.stores.row_codec import StoredRow

ENTRIES_AT_ONCE = 256
ROWS_AT_ONCE = 4096
"""Read together, so that a long log does not need memory for all rows that it names."""


class LogFollower:
    """Brings one index forward; one thread uses it.

    Args:
        store: The truth.
        index: Stands after some write of the store's log.
        ledger: What is known of how the index differs from that.
        apply: Gives the index what was taken; the caller may hold a lock meanwhile.
    """

    def __init__(
        self,
        store: GalleryStore,
        index: GalleryIndex,
        ledger: Ledger,
        apply: Callable[[Taken, LogEntry], None],
    ) -> None:
        self._store = store
        self._index = index
        self._ledger = ledger
        self._apply = apply

    def follow(self, gallery_id: str, *, wait_s: float = 0.0, upto: int | None = None) -> int:
        """Apply some of the entries that come next; how many.

        Args:
            gallery_id: Whose log.
            wait_s: How long to wait for the first of them.
            upto: The last write to apply.

        Raises:
            ReplicaDiverged: When the log does not continue what was applied.
            LogTrimmed: When the next entry is no longer in it.
            StoreUnavailable: When the store cannot be read.
        """
        applied = self._index.view.state
        limit = ENTRIES_AT_ONCE if upto is None else min(ENTRIES_AT_ONCE, upto - applied.seq)
        entries = self._store.log(gallery_id, after=applied.seq, limit=limit, wait_s=wait_s)
        _require_continuing(entries, applied)
        for group in _groups(entries):
            touched = list(dict.fromkeys(name for entry in group for name in entry.touched()))
            rows = self._read(gallery_id, touched)
            self._apply(self._ledger.take_logged(group, rows), group[-1])
            failpoint("replica.applied")
        return len(entries)

    def _read(self, gallery_id: str, touched: Sequence[str]) -> dict[str, StoredRow | None]:
        rows = self._store.rows(gallery_id, touched)
        return dict(zip(touched, rows, strict=True))


def _require_continuing(entries: Sequence[LogEntry], applied: GalleryState) -> None:
    seq, chain = applied.seq, applied.chain
    for entry in entries:
        if not entry.continues(seq, chain) or not _is_readable(entry):
            raise ReplicaDiverged(
                expected=f"a log that continues write {seq} as it was applied here",
                received=f"an entry {entry.seq} that does not",
                remedy="wait: everything is read anew; see whether the store lost writes",
            )
        seq, chain = entry.seq, entry.hash


def _is_readable(entry: LogEntry) -> bool:
    """Whether it says what this release can understand; a hash proves only who wrote it."""
    try:
        return all(
            isinstance(name, str) and isinstance(checksum, int | None)
            for name, checksum in entry.changes()
        )
    except (ValueError, TypeError):
        return False


def _groups(entries: Sequence[LogEntry]) -> Iterator[list[LogEntry]]:
    group: list[LogEntry] = []
    rows = 0
    for entry in entries:
        group.append(entry)
        rows += len(entry.changes())
        if rows >= ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
    if group:
        yield group
