import pytest

from service.access.frame_quota import frames_counted_by, spend_frames
from service.access.principal import Principal
from service.access.quotas import WINDOW_S, Quotas
from service.access.refusals import QuotaExceeded
from service.errors import Overloaded


@pytest.fixture
def now(monkeypatch):
    """A clock that tests turn."""
    clock = [1_000_000.0]
    monkeypatch.setattr("time.time", lambda: clock[0])
    return clock


def key(name="gate", **rates):
    return Principal(name, frozenset(), **rates)


def test_no_quota_means_any_number(now):
    quotas = Quotas()
    for _ in range(1000):
        quotas.spend_request(key())
        quotas.spend_frames(key(), 10_000)


def test_as_many_as_the_rate_allows_in_each_window(now):
    quotas, principal = Quotas(), key(requests_per_s=2)
    for _ in range(3):
        for _ in range(2 * WINDOW_S):
            quotas.spend_request(principal)
        with pytest.raises(QuotaExceeded) as caught:
            quotas.spend_request(principal)
        assert caught.value.expected == "at most 20 requests in 10 s by this key"
        assert caught.value.received == "1 more"
        now[0] += WINDOW_S + 0.1


@pytest.mark.parametrize("later_s", [0, 3.2, 9.5])
def test_retry_after_is_the_truth(now, later_s):
    quotas, principal = Quotas(), key(frames_per_s=10)
    quotas.spend_frames(principal, 100)
    now[0] += later_s
    with pytest.raises(QuotaExceeded) as caught:
        quotas.spend_frames(principal, 60)
    wait = caught.value.retry_after_s
    now[0] += wait
    quotas.spend_frames(principal, 60)
    assert wait - 1 <= WINDOW_S - later_s <= wait


def test_what_is_refused_uses_nothing_up(now):
    quotas, principal = Quotas(), key(frames_per_s=10)
    quotas.spend_frames(principal, 60)
    for _ in range(10):
        with pytest.raises(QuotaExceeded):
            quotas.spend_frames(principal, 50)
    quotas.spend_frames(principal, 40)


def test_more_than_a_window_holds_is_refused_without_a_time_to_come_back(now):
    with pytest.raises(QuotaExceeded) as caught:
        Quotas().spend_frames(key(frames_per_s=10), 101)
    error = caught.value
    assert (error.expected, error.received) == ("at most 100 frames at a time by this key", "101")
    assert error.remedy == "send shorter tracklets, or ask for a larger quota"
    assert error.retry_after_s is None


def test_keys_and_what_they_ask_for_are_counted_apart(now):
    quotas = Quotas()
    quotas.spend_request(key(requests_per_s=0.1, frames_per_s=1))
    quotas.spend_frames(key(requests_per_s=0.1, frames_per_s=1), 10)
    quotas.spend_request(key("desk", requests_per_s=0.1))
    with pytest.raises(QuotaExceeded):
        quotas.spend_request(key(requests_per_s=0.1))


def test_a_rate_that_is_smaller_than_one_in_a_window_still_allows_one(now):
    quotas = Quotas()
    quotas.spend_request(key(requests_per_s=0.001))
    with pytest.raises(QuotaExceeded):
        quotas.spend_request(key(requests_per_s=0.001))


def test_a_quota_is_an_overload_to_clients_that_know_no_quotas():
    assert issubclass(QuotaExceeded, Overloaded)
    assert (QuotaExceeded.status, QuotaExceeded.code) == (429, "quota_exceeded")


def test_frames_are_counted_by_whoever_asks_and_by_nobody_outside():
    counted = []
    spend_frames(5)
    with frames_counted_by(counted.append):
        spend_frames(3)
        with frames_counted_by(lambda frames: None):
            spend_frames(100)
        spend_frames(4)
    spend_frames(5)
    assert counted == [3, 4]
