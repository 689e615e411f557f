import pytest

from service.throughput import Throughput


def test_wait_is_one_second_before_any_measure():
    assert Throughput().retry_after_s(10_000) == 1


def test_wait_is_the_measured_time_of_the_frames_rounded_up():
    throughput = Throughput()
    throughput.observe(8, 0.8)

    assert throughput.retry_after_s(101) == 11


def test_wait_is_never_below_one_second():
    throughput = Throughput()
    throughput.observe(1000, 0.001)

    assert throughput.retry_after_s(0) == 1
    assert throughput.retry_after_s(1) == 1


def test_newer_batches_outweigh_older_ones_gradually():
    throughput = Throughput()
    throughput.observe(1, 1.0)
    throughput.observe(1, 2.0)
    after_one = throughput.retry_after_s(100)
    for _ in range(40):
        throughput.observe(1, 2.0)

    assert after_one == 120
    assert throughput.retry_after_s(1000) == pytest.approx(2000, abs=2)
