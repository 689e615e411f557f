"""Raw files of a snapshot: written with a checksum per MiB, synced, and believed only when whole.

No pickle and nothing that FAISS reads: a file is the bytes of one array and nothing else. What they
mean stands in the manifest.
"""

import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import SnapshotUnusable

BLOCK_BYTES = 2**20

ALLOWED_TYPES = ("|u1", "<u2", "<u4", "<u8", "|i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8")
"""Of array elements, as NumPy writes them; never an object."""


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """What a manifest says of one array.

    Attributes:
        name: Of the array and, with `.raw`, of its file.
        dtype: One of `ALLOWED_TYPES`.
        shape: Of the array.
        checksums: CRC-32 of each MiB of the file; the last one may be shorter.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    checksums: tuple[int, ...]

    @property
    def file_name(self) -> str:
        """Of the file, within the directory of its snapshot."""
        return f"{self.name}.raw"

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


def write_array(directory: Path, name: str, pieces: Sequence[NDArray[np.generic]]) -> ArrayFile:
    """Write the pieces, one after the other along the first axis, and sync the file.

    Args:
        directory: Where `name` + ".raw" is created.
        name: Of the array.
        pieces: At least one; all of one type, and of one shape but for the first axis.

    Raises:
        OSError: When the disk is full or broken.
        ValueError: When the pieces do not fit together; our own mistake.
    """
    first = pieces[0]
    rows = sum(len(piece) for piece in pieces)
    dtype = first.dtype.newbyteorder("<").str
    if dtype not in ALLOWED_TYPES or any(
        (piece.dtype, piece.shape[1:]) != (first.dtype, first.shape[1:]) for piece in pieces
    ):
        raise ValueError(f"expected pieces of one plain type and shape for {name}, received others")
    checksums: list[int] = []
    with (directory / f"{name}.raw").open("xb", buffering=0) as file:
        for block in _blocks(pieces, dtype):
            checksums.append(zlib.crc32(block))
            _write_whole(file.fileno(), block)
        os.fsync(file.fileno())
    return ArrayFile(name, dtype, (rows, *first.shape[1:]), tuple(checksums))


def read_array(directory: Path, described: ArrayFile) -> NDArray[np.generic]:
    """The array, verified.

    Raises:
        SnapshotUnusable: When the file is missing, longer, shorter or not what was written.
    """
    _check_size(directory, described)  # before memory is taken for it
    array = np.empty(described.shape, dtype=described.dtype)
    verify_array(directory, described, into=array.reshape(-1).view(np.uint8).data)
    return array


def verify_array(directory: Path, described: ArrayFile, *, into: memoryview | None = None) -> None:
    """Read the whole file and compare it with its checksums.

    Args:
        directory: Where it is.
        described: What it must be.
        into: Where its bytes go, of its size; None to drop them.

    Raises:
        SnapshotUnusable: When the file is missing, longer, shorter or not what was written.
    """
    _check_size(directory, described)
    size = described.size_bytes
    spare = memoryview(bytearray(min(BLOCK_BYTES, size)))
    try:
        with (directory / described.file_name).open("rb", buffering=0) as file:
            for number, expected in enumerate(described.checksums):
                start = number * BLOCK_BYTES
                length = min(BLOCK_BYTES, size - start)
                block = spare[:length] if into is None else into[start : start + length]
                if file.readinto(block) != length or zlib.crc32(block) != expected:
                    raise unusable(f"MiB {number} of {described.name} as written", "other bytes")
    except OSError as error:
        raise unusable(f"a readable {described.file_name}", error.strerror or "none") from error


def write_text(path: Path, text: str) -> None:
    """Write a new small file and sync it."""
    with path.open("xb", buffering=0) as file:
        _write_whole(file.fileno(), memoryview(text.encode()))
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive power loss."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_cached_pages(directory: Path) -> None:
    """Let the next reader of these files ask the disk, not the memory."""
    for path in directory.iterdir():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def unusable(expected: str, received: str) -> SnapshotUnusable:
    """The error of a snapshot that is not believed."""
    return SnapshotUnusable(
        expected=expected,
        received=received,
        remedy="nothing: an older snapshot or the store is read instead",
    )


def _check_size(directory: Path, described: ArrayFile) -> None:
    size = described.size_bytes
    if len(described.checksums) != -(-size // BLOCK_BYTES):
        raise unusable(f"a checksum for each MiB of {described.name}", "more or fewer")
    try:
        held = (directory / described.file_name).stat().st_size
    except OSError as error:
        raise unusable(f"a file {described.file_name}", error.strerror or "none") from error
    if held != size:
        raise unusable(f"{size} bytes in {described.file_name}", str(held))


def _blocks(pieces: Sequence[NDArray[np.generic]], dtype: str) -> Iterable[memoryview]:
    """The bytes of all pieces in blocks of a MiB, without a copy of more than one block."""
    pending = bytearray()
    for piece in pieces:
        plain = np.ascontiguousarray(piece).astype(dtype, copy=False)
        view = plain.reshape(-1).view(np.uint8).data
        if pending:
            taken = BLOCK_BYTES - len(pending)
            pending += view[:taken]
            view = view[taken:]
            if len(pending) == BLOCK_BYTES:
                yield memoryview(pending)
                pending = bytearray()
        whole = len(view) - len(view) % BLOCK_BYTES if not pending else 0
        for start in range(0, whole, BLOCK_BYTES):
            yield view[start : start + BLOCK_BYTES]
        pending += view[whole:]
    if pending:
        yield memoryview(pending)


def _write_whole(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
