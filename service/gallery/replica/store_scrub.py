"""Reads a whole gallery of the store, and compares its rows, its log and its own account of them.

Writers may go on: a row that is written while the others are read is judged by the log.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from service.gallery.gallery_errors import LogTrimmed
from service.gallery.replica.verify_report import Check
from service.gallery.stores.log_chain import LogEntry, first_hash
from service.gallery.stores.protocol import GalleryState, GalleryStore
from service.gallery.stores.row_codec import DamagedRow, IntactRow, StoredRow, row_digest

_ENTRIES_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What was found in the store.

    Attributes:
        state: After the last write that was compared.
        damaged: Ids of rows that are damaged.
        checks: What was compared.
    """

    state: GalleryState
    damaged: tuple[str, ...]
    checks: tuple[Check, ...]


def scrub_store(
    store: GalleryStore, gallery_id: str, rows_read: Callable[[list[IntactRow]], None]
) -> Scrubbed:
    """Compare everything that the store keeps of a gallery.

    Args:
        store: Open.
        gallery_id: Of the gallery.
        rows_read: Told every intact row; one that was written meanwhile may be an older one.

    Raises:
        StoreUnavailable: When the store cannot be read, or its log was trimmed meanwhile.
    """
    start = store.state(gallery_id)
    digests: dict[str, int | None] = {}
    for piece in store.scan(gallery_id):
        rows_read([row for row in piece if isinstance(row, IntactRow)])
        for row in piece:
            digests[_id_of(row)] = row.digest if isinstance(row, IntactRow) else None
    end = store.state(gallery_id)
    for entry in _entries(store, gallery_id, start.seq, end.seq):
        _take(entry, digests)
    damaged = tuple(sorted(name for name, digest in digests.items() if digest is None))
    checks = (
        Check("rows", not damaged, f"{len(digests) - len(damaged)} intact, {len(damaged)} damaged"),
        _counted(digests, end),
        _digest(digests, end),
        _log(store, gallery_id, end),
    )
    return Scrubbed(end, damaged, checks)


def _take(entry: LogEntry, digests: dict[str, int | None]) -> None:
    for tracklet_id, checksum in entry.changes():
        if checksum is None:
            digests.pop(tracklet_id, None)
        else:
            digests[tracklet_id] = row_digest(tracklet_id, entry.seq, checksum)


def _counted(digests: dict[str, int | None], end: GalleryState) -> Check:
    agrees = len(digests) == end.tracklets
    return Check("count", agrees, f"{len(digests)} rows, and the store counts {end.tracklets}")


def _digest(digests: dict[str, int | None], end: GalleryState) -> Check:
    found = reduce(xor, (digest or 0 for digest in digests.values()), 0)
    if None in digests.values():
        return Check("digest", agrees=False, detail="not to be told while rows are damaged")
    detail = f"{found:016x} of the rows, and the store keeps {end.digest:016x}"
    return Check("digest", found == end.digest, detail)


def _log(store: GalleryStore, gallery_id: str, end: GalleryState) -> Check:
    """The log from its oldest entry to the last one."""
    oldest = _oldest_entry(store, gallery_id, end.seq)
    if oldest > end.seq:
        agrees = _is_trimmed(store, gallery_id, end)
        return Check("log", agrees, "no entry is kept")
    chain: str | None = first_hash(gallery_id) if oldest == 1 else None
    seq = oldest - 1
    for entry in _entries(store, gallery_id, oldest - 1, end.seq):
        previous = entry.previous if chain is None else chain
        if not entry.continues(seq, previous):
            return Check("log", agrees=False, detail=f"entry {seq + 1} does not follow {seq}")
        seq, chain = entry.seq, entry.hash
    agrees = (seq, chain) == (end.seq, end.chain)
    return Check("log", agrees, f"entries {oldest} to {seq}, and the last write is {end.seq}")


def _is_trimmed(store: GalleryStore, gallery_id: str, end: GalleryState) -> bool:
    """Whether a log without entries is as it should be."""
    if end.seq == 0:
        return end.chain == first_hash(gallery_id)
    try:
        store.log(gallery_id, after=end.seq - 1, limit=1)
    except LogTrimmed:
        return True
    return False


def _oldest_entry(store: GalleryStore, gallery_id: str, last: int) -> int:
    """The oldest entry that is kept; one after the last when none is."""
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        if store.entry_hash(gallery_id, middle) is None:
            low = middle + 1
        else:
            high = middle
    return low


def _entries(store: GalleryStore, gallery_id: str, after: int, upto: int) -> Iterator[LogEntry]:
    while after < upto:
        limit = min(_ENTRIES_AT_ONCE, upto - after)
        entries = store.log(gallery_id, after=after, limit=limit)
        if not entries:
            return
        yield from entries
        after = entries[-1].seq


def _id_of(row: StoredRow) -> str:
    return row.tracklet_id if isinstance(row, DamagedRow) else row.record.tracklet_id
