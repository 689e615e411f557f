from types import SimpleNamespace

import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.store_clock import StoreClock


def test_the_time_goes_on_from_what_the_store_said():
    told = iter([1000.0, 5000.0])
    clock = StoreClock(SimpleNamespace(now_s=lambda: next(told)))
    clock.read()
    first = clock.now_s()
    assert 1000.0 <= first < 1001.0
    assert clock.now_s() >= first
    clock.read()
    assert 5000.0 <= clock.now_s() < 5001.0


def test_a_store_that_does_not_answer_leaves_the_time_as_it_was_known():
    answers = [7000.0]

    def now_s():
        if answers:
            return answers.pop()
        raise StoreUnavailable(expected="an answer", received="none", remedy="wait")

    clock = StoreClock(SimpleNamespace(now_s=now_s))
    clock.read()
    with pytest.raises(StoreUnavailable):
        clock.read()
    assert 7000.0 <= clock.now_s() < 7001.0
