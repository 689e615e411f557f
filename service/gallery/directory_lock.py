"""One process per data directory: two writers of one store would each miss the other's writes."""

import fcntl
import os
from pathlib import Path

from service.gallery.gallery_errors import StoreUnavailable

LOCK_FILE = "lock"


class DirectoryLock:
    """An advisory lock on a directory; the kernel drops it when the process ends in any way.

    Args:
        directory: Created, for its owner alone, when it is missing.

    Raises:
        StoreUnavailable: When another holder has it, or the directory cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                expected=f"a data directory at {directory} that can be written",
                received=error.strerror or type(error).__name__,
                remedy="correct its owner and permissions, or set REID_DATA_DIR to another one",
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            raise StoreUnavailable(
                expected=f"a data directory at {directory} that no other service uses",
                received="one that another process has locked",
                remedy="stop the other service, or set REID_DATA_DIR to another directory",
            ) from error

    def release(self) -> None:
        """Let another holder in."""
        os.close(self._descriptor)
