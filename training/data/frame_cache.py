"""Decoded frames kept in memory, so that later passes over the data need no decoding."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.frame_reading import read_frame

_Key = tuple[Path, int, int]
_Stamp = tuple[int, int, int]


class FrameCache:
    """Reads frames, and keeps as many as fit into a number of bytes.

    A frame costs height × width × 3 bytes (98,304 at 256 × 128), once per process. What came first
    stays: training passes over all tracklets in turn, so that dropping the least recently used
    frame would drop each one just before its next use. A frame whose file changed since (size,
    time of change or inode) is read again. Threads may share a cache.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._frames: dict[_Key, tuple[_Stamp, NDArray[np.uint8]]] = {}
        self._held_bytes = 0
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes of the pixels that are kept; never more than the limit."""
        return self._held_bytes

    def read(self, path: Path, *, height: int, width: int) -> NDArray[np.uint8]:
        """What `read_frame` gives, from memory where it is still what the file holds.

        Returns:
            uint8 [height, width, 3]; not to be written to.

        Raises:
            ValueError: As `read_frame`.
        """
        if not self._limit_bytes:
            return read_frame(path, height=height, width=width)
        # Before reading: a file that changes in between is noticed next time.
        stamp = _stamp(path)
        key = (path, height, width)
        held = self._frames.get(key)
        if held is not None and held[0] == stamp:
            return held[1]
        frame = read_frame(path, height=height, width=width)
        frame.setflags(write=False)
        if stamp is not None:
            self._keep(key, stamp, frame)
        return frame

    def _keep(self, key: _Key, stamp: _Stamp, frame: NDArray[np.uint8]) -> None:
        with self._lock:
            replaced = 0 if key not in self._frames else self._frames[key][1].nbytes
            held_bytes = self._held_bytes - replaced + frame.nbytes
            if held_bytes <= self._limit_bytes:
                self._frames[key] = (stamp, frame)
                self._held_bytes = held_bytes


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:  # `read_frame` says what is wrong
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
