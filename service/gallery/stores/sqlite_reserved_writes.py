"""Writes that go on when the disk is full, as long as nothing is enrolled by them."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from service.errors import CapacityExceeded
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
        connections: Of the database.
        directory: Of the database.
    """

    def __init__(self, connections: Connections, directory: Path) -> None:
        self._connections = connections
        self._grouped = GroupedWrites(connections)
        self._reserve = DiskReserve(directory / RESERVE_FILE, size_bytes=_RESERVE_BYTES)
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
            self._connections.empty_log()
            return self._grouped.run(work, changes=changes)
