import asyncio
import os

import pytest

from benchmarks.resident_memory import MemoryCurve, resident_mb, slope, watching_memory


def test_the_slope_of_a_line_is_found_whatever_its_start():
    assert slope([0, 10, 20, 30], [5, 6, 7, 8]) == pytest.approx(0.1)
    curve = MemoryCurve([0, 30, 60, 90], [900, 5, 6, 7])
    assert curve.since(30).slope_mb_per_min() == pytest.approx(2)


def test_one_sample_has_no_slope():
    with pytest.raises(ValueError, match="expected 2 or more samples, received 1; measure for"):
        slope([1], [1])


def test_growth_is_between_the_medians_of_the_ends():
    curve = MemoryCurve(list(range(15)), [1, 1, 900, *[50] * 9, 7, 7, 0])
    assert curve.growth_mb() == 6


def test_memory_that_is_taken_is_seen():
    seen = []

    async def run():
        async with watching_memory(
            os.getpid(), every_s=0.02, sampled=lambda at_s, mb: seen.append((at_s, mb))
        ) as curve:
            await asyncio.sleep(0.1)
            taken = bytearray(b"x" * 80 * 2**20)
            await asyncio.sleep(0.2)
            assert taken
        return curve

    curve = asyncio.run(run())
    assert curve.resident_mb[-1] - curve.resident_mb[0] > 50
    assert seen == list(zip(curve.at_s, curve.resident_mb, strict=True))
    assert resident_mb(os.getpid()) > 10


def test_a_process_that_is_gone_is_an_error():
    async def run():
        async with watching_memory(2**22 + 1, every_s=0.01):
            await asyncio.sleep(0.05)

    with pytest.raises(FileNotFoundError):
        asyncio.run(run())
