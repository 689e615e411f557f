import os
import stat

import pytest

from service.gallery.stores.disk_reserve import DiskReserve
from tests.small_disk import fill, small_disk

SIZE_BYTES = 2**20


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", 4 * SIZE_BYTES) as directory:
        yield directory


def free_bytes(directory):
    state = os.statvfs(directory)
    return state.f_bavail * state.f_frsize


def test_what_it_holds_nobody_else_can_take(disk):
    before = free_bytes(disk)
    reserve = DiskReserve(disk / "reserve", size_bytes=SIZE_BYTES)
    assert reserve.take()
    assert reserve.take()
    assert before - free_bytes(disk) == SIZE_BYTES
    assert stat.S_IMODE((disk / "reserve").stat().st_mode) == 0o600


def test_what_it_gives_up_is_free_for_others(disk):
    reserve = DiskReserve(disk / "reserve", size_bytes=SIZE_BYTES)
    reserve.take()
    fill(disk)
    assert free_bytes(disk) == 0
    assert reserve.give_up()
    assert not reserve.give_up()
    assert free_bytes(disk) == SIZE_BYTES


def test_on_a_full_disk_it_holds_nothing_and_leaves_what_there_is(disk):
    filler = fill(disk, leave_bytes=SIZE_BYTES // 2)
    before = free_bytes(disk)
    assert 0 < before < SIZE_BYTES
    reserve = DiskReserve(disk / "reserve", size_bytes=SIZE_BYTES)
    assert not reserve.take()
    assert not (disk / "reserve").exists()
    assert free_bytes(disk) == before
    filler.unlink()
    assert reserve.take()


def test_the_reserve_of_an_earlier_start_is_taken_over(disk):
    DiskReserve(disk / "reserve", size_bytes=SIZE_BYTES).take()
    fill(disk)
    assert DiskReserve(disk / "reserve", size_bytes=SIZE_BYTES).take()
