"""Space on the disk that is kept for deletions: a full disk must not keep anybody from going."""

import os
from pathlib import Path


class DiskReserve:
    """A file of a certain size that is given up when the disk is full.

    Args:
        path: Of the file; its directory exists.
        size_bytes: How much it keeps.
    """

    def __init__(self, path: Path, *, size_bytes: int) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self._is_held = False

    def take(self) -> bool:
        """Whether the space is held, from now on or already."""
        if not self._is_held:
            self._is_held = self._allocate()
        return self._is_held

    def give_up(self) -> bool:
        """Leave the space to others; whether there was any, from now or an earlier start."""
        was_there = self._path.exists()
        self._path.unlink(missing_ok=True)
        self._is_held = False
        return was_there

    def _allocate(self) -> bool:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
        except OSError:
            # What there was of it is worth more to those who delete.
            self._path.unlink(missing_ok=True)
            return False
        finally:
            os.close(descriptor)
        return True
