"""What the store must hold after a write, told from the log: an index is compared with it.

The log names the rows that a write touched, and the rows are read as they are now. So an index that
has applied write S may already hold rows of later writes. The ledger keeps the difference. It knows
the number and the digest of the rows at S exactly, whoever writes meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import xor

from service.gallery.gallery_errors import ReplicaDiverged
from service.gallery.stores.log_chain import LogEntry
from service.gallery.stores.protocol import GalleryState
from service.gallery.stores.row_codec import DamagedRow, IntactRow, StoredRow, row_digest


@dataclass(frozen=True, slots=True)
class Taken:
    """What of the rows read goes into the index."""

    rows: list[IntactRow]
    deleted: list[str]


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A row that is not as the log has it yet.

    Attributes:
        logged: The digest that the log demands; None for a deletion.
        held: The digest of the row that the index took; None where it took none.
        until: The write that explains it; None for a deletion whose number is not known.
        asked: How often the store's state had been read when this was noted.
    """

    logged: int | None
    held: int | None
    until: int | None
    asked: int


class Ledger:
    """Keeps count of what was read; one thread uses it.

    Args:
        dimension: Values of an embedding; a row of another one is damaged.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._ahead: dict[str, _Ahead] = {}
        self._damaged: dict[str, DamagedRow] = {}
        self._unproved: set[str] = set()
        """Damaged rows whose digest no entry of the log has named."""
        self._asked = 0

    def damaged(self) -> tuple[DamagedRow, ...]:
        """Every row that was found damaged and has not been replaced, by id."""
        return tuple(row for _, row in sorted(self._damaged.items()))

    def take_read(self, rows: Mapping[str, StoredRow | None]) -> Taken:
        """Take in rows that were read without a log, by id."""
        taken = Taken([], [])
        for tracklet_id, read in rows.items():
            row = self._fitting(read)
            if isinstance(row, IntactRow):
                taken.rows.append(row)
            elif row is not None:
                self._damaged[tracklet_id] = row
                self._unproved.add(tracklet_id)
        return taken

    def take_logged(
        self, entries: Sequence[LogEntry], rows: Mapping[str, StoredRow | None]
    ) -> Taken:
        """Take in what these entries touched, as it was read afterwards.

        Raises:
            ReplicaDiverged: When a row is older than its entry.
        """
        taken = Taken([], [])
        for tracklet_id, (seq, logged) in _last_logged(entries).items():
            row = self._fitting(rows[tracklet_id])
            self._forget(tracklet_id)
            if isinstance(row, IntactRow):
                row = self._agreeing(row, seq, logged)
            if isinstance(row, IntactRow):
                taken.rows.append(row)
                self._note(tracklet_id, logged, row.digest, until=row.record.seq)
                continue
            taken.deleted.append(tracklet_id)
            self._note(tracklet_id, logged, None, until=None)
            if row is not None:
                self._damaged[tracklet_id] = row
        return taken

    def about_to_ask(self) -> None:
        """The store's state is about to be read, for `difference`."""
        self._asked += 1

    def difference(self, held: GalleryState, stored: GalleryState) -> str | None:
        """How the index differs from the store after the same write; None when it does not.

        Args:
            held: Of the index.
            stored: Of the store, read after `about_to_ask`.
        """
        if (held.seq, held.chain) != (stored.seq, stored.chain):
            return f"write {held.seq} here is not write {stored.seq} of the store"
        for tracklet_id, ahead in self._ahead.items():
            if tracklet_id not in self._damaged and self._is_overdue(ahead, held.seq):
                return "a row differs from what the log says of it"
        tracklets = held.tracklets + len(self._unproved)
        tracklets += sum(
            (ahead.logged is not None) - (ahead.held is not None) for ahead in self._ahead.values()
        )
        if tracklets != stored.tracklets:
            return f"{tracklets} tracklets were read where the store counts {stored.tracklets}"
        differing = ((ahead.logged or 0) ^ (ahead.held or 0) for ahead in self._ahead.values())
        if not self._unproved and reduce(xor, differing, held.digest) != stored.digest:
            return "the digest of what was read is not that of the store"
        return None

    def _fitting(self, row: StoredRow | None) -> StoredRow | None:
        if isinstance(row, IntactRow) and row.record.embedding.shape != (self._dimension,):
            return DamagedRow(row.record.tracklet_id, "an embedding of another dimension")
        return row

    def _agreeing(self, row: IntactRow, seq: int, logged: int | None) -> StoredRow:
        if row.record.seq < seq:
            raise ReplicaDiverged(
                expected="rows as new as their entries in the log",
                received="an older one",
                remedy="wait: everything is read anew",
            )
        if row.record.seq == seq and row.digest != logged:
            return DamagedRow(row.record.tracklet_id, "not the row that the log names")
        return row

    def _note(
        self, tracklet_id: str, logged: int | None, held: int | None, *, until: int | None
    ) -> None:
        if logged != held:
            self._ahead[tracklet_id] = _Ahead(logged, held, until, self._asked)

    def _forget(self, tracklet_id: str) -> None:
        self._ahead.pop(tracklet_id, None)
        self._damaged.pop(tracklet_id, None)
        self._unproved.discard(tracklet_id)

    def _is_overdue(self, ahead: _Ahead, applied: int) -> bool:
        """Whether a later write should have explained it by now."""
        return ahead.asked < self._asked if ahead.until is None else ahead.until <= applied


def _last_logged(entries: Sequence[LogEntry]) -> dict[str, tuple[int, int | None]]:
    """From each touched id to the last write of it, and the digest that it then had."""
    last: dict[str, tuple[int, int | None]] = {}
    for entry in entries:
        for tracklet_id, checksum in entry.changes():
            digest = None if checksum is None else row_digest(tracklet_id, entry.seq, checksum)
            last[tracklet_id] = (entry.seq, digest)
    return last
