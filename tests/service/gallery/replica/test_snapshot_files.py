"""A file of a snapshot is what was written to the last bit, or it is refused."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.gallery_errors import SnapshotUnusable
from service.gallery.replica import snapshot_files
from service.gallery.replica.snapshot_files import (
    ALLOWED_TYPES,
    ArrayFile,
    read_array,
    read_pieces,
    verify_array,
    write_array,
)


def array_of(bytes_long: int) -> np.ndarray:
    return np.random.default_rng(bytes_long).integers(0, 256, bytes_long, dtype=np.uint8)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(snapshot_files, "BLOCK_BYTES", 16)


@pytest.mark.parametrize("dtype", ALLOWED_TYPES)
def test_every_plain_type_comes_back_the_same(tmp_path, dtype):
    array = np.arange(24).astype(dtype).reshape(6, 2, 2)
    read = read_array(tmp_path, write_array(tmp_path, "a", [array]))
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_pieces_come_back_as_one_array_whatever_their_lengths(tmp_path_factory, lengths):
    directory = tmp_path_factory.mktemp("snapshot")
    pieces = [np.arange(3 * length, dtype="<f4").reshape(length, 3) for length in lengths]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_files, "BLOCK_BYTES", 16)
        read = read_array(directory, write_array(directory, "a", pieces))
    np.testing.assert_array_equal(read, np.concatenate(pieces))


@given(rows=st.integers(0, 60), width=st.integers(1, 9))
def test_pieces_that_are_read_make_up_the_array(tmp_path_factory, rows, width):
    directory = tmp_path_factory.mktemp("snapshot")
    array = np.arange(rows * width, dtype="<f4").reshape(rows, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_files, "BLOCK_BYTES", 16)
        described = write_array(directory, "a", [array])
        pieces = [piece.copy() for piece in read_pieces(directory, described)]
    np.testing.assert_array_equal(np.concatenate([array[:0], *pieces]), array)


def test_a_damaged_block_is_never_given_out(tmp_path, small_blocks):
    described = write_array(tmp_path, "a", [array_of(50)])
    path = tmp_path / "a.raw"
    damaged = bytearray(path.read_bytes())
    damaged[40] ^= 1
    path.write_bytes(damaged)
    pieces = read_pieces(tmp_path, described)
    assert len(next(pieces)) == len(next(pieces)) == 16
    with pytest.raises(SnapshotUnusable, match="MiB 2 of a"):
        next(pieces)


def test_what_was_read_does_not_stay_in_memory(tmp_path, small_blocks):
    described = write_array(tmp_path, "a", [array_of(50)])
    pieces = list(read_pieces(tmp_path, described))
    assert not any(piece.any() for piece in pieces)


def test_a_column_of_a_table_comes_back_though_it_is_not_contiguous(tmp_path):
    table = np.arange(40, dtype=np.int64).reshape(10, 4)
    np.testing.assert_array_equal(
        read_array(tmp_path, write_array(tmp_path, "a", [table[:, 1]])), table[:, 1]
    )


def test_an_array_over_several_blocks_has_a_checksum_for_each(tmp_path):
    written = write_array(tmp_path, "a", [array_of(3 * 2**20 + 5)])
    assert len(written.checksums) == 4
    assert written.size_bytes == 3 * 2**20 + 5
    verify_array(tmp_path, written)


@pytest.mark.parametrize(
    "pieces",
    [
        [np.array(["object"], dtype=object)],
        [np.zeros(2, np.int32), np.zeros(2, np.int64)],
        [np.zeros((2, 2)), np.zeros((2, 3))],
    ],
)
def test_what_is_not_plain_or_does_not_fit_is_our_own_mistake(tmp_path, pieces):
    with pytest.raises(ValueError, match="expected pieces of one plain type and shape for a"):
        write_array(tmp_path, "a", pieces)


def test_a_flip_of_any_bit_is_found(tmp_path, small_blocks):
    written = write_array(tmp_path, "a", [array_of(50)])
    path = tmp_path / "a.raw"
    intact = path.read_bytes()
    for position in range(8 * len(intact)):
        damaged = bytearray(intact)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(SnapshotUnusable, match=r"expected MiB \d of a as written"):
            read_array(tmp_path, written)


def test_a_file_of_any_other_length_is_refused(tmp_path, small_blocks):
    written = write_array(tmp_path, "a", [array_of(50)])
    path = tmp_path / "a.raw"
    intact = path.read_bytes()
    for length in range(50):
        path.write_bytes(intact[:length])
        with pytest.raises(SnapshotUnusable, match=rf"50 bytes in a\.raw, received {length}"):
            read_array(tmp_path, written)
    path.write_bytes(intact + b"x")
    with pytest.raises(SnapshotUnusable, match=r"50 bytes in a\.raw, received 51"):
        verify_array(tmp_path, written)


def test_a_missing_file_is_refused_in_words(tmp_path):
    with pytest.raises(SnapshotUnusable, match=r"a file a\.raw, received No such file"):
        read_array(tmp_path, ArrayFile("a", "<f4", (1,), (0,)))


def test_a_block_without_a_checksum_is_not_believed(tmp_path, small_blocks):
    written = write_array(tmp_path, "a", [array_of(50)])
    for checksums in (written.checksums[:-1], (), (*written.checksums, 0)):
        with pytest.raises(SnapshotUnusable, match="a checksum for each MiB of a"):
            read_array(tmp_path, replace(written, checksums=checksums))


def test_a_huge_claim_takes_no_memory_for_it(tmp_path):
    write_array(tmp_path, "a", [array_of(50)])
    claimed = ArrayFile("a", "|u1", (2**50,), (0,) * 2)
    with pytest.raises(SnapshotUnusable):
        read_array(tmp_path, claimed)


def test_two_files_of_one_name_are_not_mixed(tmp_path):
    write_array(tmp_path, "a", [array_of(50)])
    with pytest.raises(FileExistsError):
        write_array(tmp_path, "a", [array_of(20)])


def test_what_was_written_is_synced(tmp_path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(1), real(descriptor)))
    write_array(tmp_path, "a", [array_of(50)])
    snapshot_files.write_text(tmp_path / "t", "text")
    snapshot_files.sync_directory(tmp_path)
    assert len(synced) == 3
