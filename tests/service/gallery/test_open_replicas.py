"""Replicas that start, fail and go, with stand-ins: what a real one does is tested elsewhere."""

import threading
from types import SimpleNamespace

import pytest

from service.errors import NotReady
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.planner import SwitchPoints
from service.gallery.open_replicas import OpenReplicas
from service.gallery.replica_opening import ReplicaOpening
from service.gallery.stores.protocol import GalleryInfo
from tests.open_galleries import SPEC

INFO = GalleryInfo("g1", "one", SPEC, 1.0)


class StandIn:
    """A replica that starts when it is let, or fails."""

    def __init__(self, *, failure: Exception | None = None):
        self.gate = threading.Event()
        self.failure = failure
        self.ended: list[str] = []
        self.ready = True

    def start(self):
        assert self.gate.wait(10)
        if self.failure is not None:
            raise self.failure

    def stop(self):
        self.ended.append("stopped")

    def discard(self):
        self.ended.append("discarded")

    def status(self):
        return SimpleNamespace(is_ready=self.ready, gallery="one", reason="unreachable: why")


def replicas_of(*stand_ins: StandIn) -> OpenReplicas:
    left = iter(stand_ins)
    return OpenReplicas(lambda _: next(left), SwitchPoints(), now_s=lambda: 1.0)


def unavailable() -> StoreUnavailable:
    return StoreUnavailable(expected="a store", received="none", remedy="wait")


def test_whoever_asks_waits_for_the_start_as_long_as_they_will():
    replica = StandIn()
    opening = ReplicaOpening(replica, ApproximateTier(SwitchPoints()))
    with pytest.raises(NotReady, match="one that is still being read") as caught:
        opening.replica(0.05)
    assert caught.value.retry_after_s == 1
    assert (opening.ended, opening.failed) == (False, False)
    replica.gate.set()
    assert opening.replica(None) is replica
    assert opening.ended
    opening.stop()
    assert replica.ended == ["stopped"]


def test_one_replica_is_opened_for_all_who_ask_and_again_after_a_failure():
    failing, working = StandIn(failure=unavailable()), StandIn()
    replicas = replicas_of(failing, working)
    first = replicas.opening(INFO)
    assert replicas.opening(INFO) is first
    failing.gate.set()
    with pytest.raises(StoreUnavailable):
        first.replica(None)
    working.gate.set()
    assert replicas.opening(INFO).replica(None) is working


def test_a_replica_that_is_starting_is_no_problem_and_one_that_is_not_ready_is():
    replica = StandIn()
    replicas = replicas_of(replica)
    opening = replicas.opening(INFO)
    assert replicas.problem() is None
    replica.gate.set()
    opening.replica(None)
    assert replicas.problem() is None
    replica.ready = False
    assert replicas.problem() == "gallery 'one': unreachable: why"


def test_a_start_that_failed_is_a_problem():
    replica = StandIn(failure=unavailable())
    replica.gate.set()
    replicas = replicas_of(replica)
    with pytest.raises(StoreUnavailable):
        replicas.opening(INFO).replica(None)
    assert "expected a store, received none" in replicas.problem()


def test_the_death_of_its_thread_is_a_problem(monkeypatch):
    def fault(*_, **__):
        raise ZeroDivisionError

    replica = StandIn()
    replica.gate.set()
    replicas = replicas_of(replica)
    opening = replicas.opening(INFO)
    opening.replica(None)
    monkeypatch.setattr(opening, "refresh_approximate", fault)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    replicas.start()
    replicas._tiers._thread.join(10)
    assert replicas.problem() == (
        "the thread that sees to approximate indexes has died; restart the service"
    )


def test_what_is_taken_or_closed_is_ended_once():
    one, two = StandIn(), StandIn()
    one.gate.set()
    two.gate.set()
    replicas = replicas_of(one, two)
    replicas.start()
    replicas.opening(INFO)
    replicas.opening(GalleryInfo("g2", "two", SPEC, 1.0))
    (gone,) = replicas.take_all_but({"g2"})
    gone.discard()
    replicas.close()
    assert (one.ended, two.ended) == (["discarded"], ["stopped"])
    with pytest.raises(NotReady, match="while the service stops"):
        replicas.opening(INFO)
