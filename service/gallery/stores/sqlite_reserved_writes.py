"""Writes that go on when the disk is full, as long as nothing is enrolled by them."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from service.gallery.gallery_errors import CapacityExceeded, StoreUnavailable
from service.gallery.stores.disk_reserve import DiskReserve
from service.gallery.stores.sqlite_connections import Connections, full_disk
from service.gallery.stores.sqlite_grouped_writes import GroupedWrites

RESERVE_FILE = "reserve"

_RESERVE_BYTES = 16 * 2**20
"""The write-ahead log of about 1,000 pages and of one large group of writes, once more."""

T = TypeVar("T")


class ReservedWrites:
    """Makes writes durable, and keeps some space on the disk for those that must not fail.

    Args:
        path: The database file, created when missing.
        now_s: The clock, for what an earlier release did not note.

    Attributes:
        connections: Of the database.

    Raises:
        StoreUnavailable: When it cannot be opened.
    """

    def __init__(self, path: Path, *, now_s: float) -> None:
        self._reserve = DiskReserve(path.parent / RESERVE_FILE, size_bytes=_RESERVE_BYTES)
        try:
            self.connections = Connections(path, now_s=now_s)
        except (StoreUnavailable, CapacityExceeded):
            # On a full disk SQLite cannot even create its log, and calls that an error of the disk.
            if not self._reserve.give_up():
                raise
            self.connections = Connections(path, now_s=now_s)
        self._grouped = GroupedWrites(self.connections)
        self._reserve.take()

    def enroll(self, work: Callable[[sqlite3.Connection], T], *, changes: int) -> T:
        """As `GroupedWrites.run`, for what takes more space.

        Raises:
            CapacityExceeded: When the disk is full.
        """
        if not self._reserve.take():
            raise full_disk()
        return self._grouped.run(work, changes=changes)

    def run(self, work: Callable[[sqlite3.Connection], T], *, changes: int = 1) -> T:
        """As `GroupedWrites.run`, for what must be possible on a full disk."""
        try:
            return self._grouped.run(work, changes=changes)
        except CapacityExceeded:
            self._reserve.give_up()
            return self._grouped.run(work, changes=changes)
