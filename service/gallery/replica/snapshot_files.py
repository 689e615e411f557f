"""Raw files of a snapshot: written with a checksum per MiB, synced, and believed only when whole.

No pickle and nothing that FAISS reads: a file is the bytes of one array and nothing else. What they
mean stands in the manifest.
"""

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.gallery.gallery_errors import SnapshotUnusable

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


def write_array(directory: Path, name: str, pieces: Iterable[NDArray[np.generic]]) -> ArrayFile:
    """Write the pieces, one after the other along the first axis, and sync the file.

    Args:
        directory: Where `name` + ".raw" is created.
        name: Of the array.
        pieces: At least one; all of one type, and of one shape but for the first axis.

    Raises:
        OSError: When the disk is full or broken.
        ValueError: When the pieces do not fit together; our own mistake.
    """
    checksums: list[int] = []
    shapes = _Shapes(name)
    with (directory / f"{name}.raw").open("xb", buffering=0) as file:
        for block in _blocks(shapes.checked(piece) for piece in pieces):
            checksums.append(zlib.crc32(block))
            _write_whole(file.fileno(), block)
        os.fsync(file.fileno())
    return ArrayFile(name, shapes.dtype, (shapes.rows, *shapes.row_shape), tuple(checksums))


def read_array(directory: Path, described: ArrayFile) -> NDArray[np.generic]:
    """The array, verified.

    Raises:
        SnapshotUnusable: When the file is missing, longer, shorter or not what was written.
    """
    _check_size(directory, described)  # before memory is taken for it
    array = np.empty(described.shape, dtype=described.dtype)
    verify_array(directory, described, into=array.reshape(-1).view(np.uint8).data)
    return array


def read_pieces(directory: Path, described: ArrayFile) -> Iterator[NDArray[np.generic]]:
    """The array in pieces along the first axis, each verified before it is given out.

    A piece is overwritten by the next one, and the last by zeros: nothing stays in freed memory.

    Raises:
        SnapshotUnusable: When the file is missing, longer, shorter or not what was written.
    """
    _check_size(directory, described)
    row_bytes = described.size_bytes // max(1, described.shape[0])
    held = bytearray(BLOCK_BYTES + row_bytes)
    waiting = 0
    for block in _verified_blocks(directory, described):
        held[waiting : waiting + len(block)] = block
        waiting += len(block)
        rows = waiting // row_bytes
        raw = np.frombuffer(held, described.dtype, count=rows * row_bytes // _item(described))
        yield raw.reshape(rows, *described.shape[1:])
        left = waiting - rows * row_bytes
        held[:left] = held[waiting - left : waiting]
        waiting = left
    held[:] = bytes(len(held))


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
    for number, block in enumerate(_verified_blocks(directory, described)):
        if into is not None:
            start = number * BLOCK_BYTES
            into[start : start + len(block)] = block


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


def _verified_blocks(directory: Path, described: ArrayFile) -> Iterator[memoryview]:
    """Each MiB of the file; a block is overwritten by the next, and the last by zeros."""
    size = described.size_bytes
    buffer = bytearray(min(BLOCK_BYTES, size))
    try:
        with (directory / described.file_name).open("rb", buffering=0) as file:
            for number, expected in enumerate(described.checksums):
                length = min(BLOCK_BYTES, size - number * BLOCK_BYTES)
                block = memoryview(buffer)[:length]
                if file.readinto(block) != length or zlib.crc32(block) != expected:
                    raise unusable(f"MiB {number} of {described.name} as written", "other bytes")
                yield block
    except OSError as error:
        raise unusable(f"a readable {described.file_name}", error.strerror or "none") from error
    buffer[:] = bytes(len(buffer))


def _item(described: ArrayFile) -> int:
    return np.dtype(described.dtype).itemsize


class _Shapes:
    """What the pieces of an array have in common, and how long they are together."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.dtype = ""
        self.row_shape: tuple[int, ...] = ()
        self.rows = 0

    def checked(self, piece: NDArray[np.generic]) -> NDArray[np.generic]:
        """The piece, counted, little-endian and contiguous."""
        dtype = piece.dtype.newbyteorder("<").str
        if not self.dtype:
            self.dtype, self.row_shape = dtype, piece.shape[1:]
        if dtype not in ALLOWED_TYPES or (dtype, piece.shape[1:]) != (self.dtype, self.row_shape):
            raise ValueError(
                f"expected pieces of one plain type and shape for {self._name}, received others"
            )
        self.rows += len(piece)
        return np.ascontiguousarray(piece).astype(dtype, copy=False)


def _blocks(pieces: Iterable[NDArray[np.generic]]) -> Iterator[memoryview]:
    """The bytes of all pieces in blocks of a MiB; a block is overwritten by the next."""
    block = bytearray(BLOCK_BYTES)
    filled = 0
    for piece in pieces:
        view = piece.reshape(-1).view(np.uint8).data
        while view:
            taken = min(len(view), BLOCK_BYTES - filled)
            block[filled : filled + taken] = view[:taken]
            view, filled = view[taken:], filled + taken
            if filled == BLOCK_BYTES:
                yield memoryview(block)
                filled = 0
    if filled:
        yield memoryview(block)[:filled]
    block[:] = bytes(len(block))


def _write_whole(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
