"""Erasures are carried out by somebody, whoever stops, and everybody forgets."""

import pytest

from service.gallery.erasure_places import OF_REPLICA, PRESENT_S, Subject
from service.gallery.erasure_worker import ErasureWorker
from service.gallery.gallery_errors import ReceiptNotFound, ReplicaBehind, StoreUnavailable
from tests.forgetting import SPEC, held, person, put
from tests.log_follower import LogFollower

P1 = Subject(identity="p1")
DEADLINE_S = 86400.0


@pytest.fixture
def info(store):
    found = store.create_gallery("lobby", SPEC)
    put(store, found, person("t1", "p1"), person("t2", "p2"))
    return found


class Process:
    """A worker and its replicas, as one process of the service has them."""

    def __init__(self, store, name):
        self.name, self.store, self.replicas = name, store, {}
        self.worker = ErasureWorker(
            store, self.replica_of, name=name, deadline_s=DEADLINE_S, poll_s=0.01
        )

    def replica_of(self, info):
        if info.gallery_id not in self.replicas:
            self.replicas[info.gallery_id] = LogFollower(self.store, info, self.name)
        return self.replicas[info.gallery_id]

    def beat(self, info, now_s):
        self.replica_of(info).say(now_s)


def states(receipt, name):
    return {place.state for place in receipt.places if place.replica == name}


def test_an_erasure_is_carried_out_in_the_background(store, info):
    worker = Process(store, "a").worker
    worker.start()
    receipt = worker.wait(worker.request(info.gallery_id, P1), timeout_s=20)
    assert worker.alive
    worker.close()
    assert receipt.state == "final"
    assert held(store, info) == ["t2"]
    assert worker.pending == 0


def test_waiting_is_bounded_and_says_how_far_it_is(store, info):
    worker = Process(store, "a").worker
    begun = worker.request(info.gallery_id, P1)
    assert worker.wait(begun, timeout_s=0.1) == begun


def test_the_same_request_again_is_the_same_erasure(store, info):
    worker = Process(store, "a").worker
    first = worker.request(info.gallery_id, P1)
    assert worker.request(info.gallery_id, P1) == first
    other = worker.request(info.gallery_id, Subject(tracklet_id="t2"))
    assert other.receipt_id != first.receipt_id
    worker.work()
    assert worker.request(info.gallery_id, P1).receipt_id != first.receipt_id


def test_a_tracklet_enrolled_anew_is_not_left_to_an_erasure_that_spares_it(store, info, clock):
    process, silent = Process(store, "a"), Process(store, "b")
    silent.beat(info, clock.now_s)
    asked = Subject(tracklet_id="t2")
    first = process.worker.request(info.gallery_id, asked)
    assert process.worker.request(info.gallery_id, asked) == first
    process.worker.work()
    assert store.receipts(info.gallery_id)[0].state == "erasing", "the other one has yet to forget"
    put(store, info, person("t2", "p2"))
    second = process.worker.request(info.gallery_id, asked)
    process.worker.work()
    assert held(store, info) == ["t1"]
    assert second.receipt_id != first.receipt_id


def test_a_receipt_is_found_by_its_id_in_its_gallery_alone(store, info):
    worker = Process(store, "a").worker
    receipt = worker.request(info.gallery_id, P1)
    assert worker.receipt(info.gallery_id, receipt.receipt_id) == receipt
    elsewhere = store.create_gallery("attic", SPEC)
    with pytest.raises(ReceiptNotFound, match="expected the id of a receipt of this gallery"):
        worker.receipt(elsewhere.gallery_id, receipt.receipt_id)


def test_after_a_restart_it_goes_on(store, info):
    Process(store, "a").worker.request(info.gallery_id, P1)
    restarted = Process(store, "a").worker
    restarted.work()
    (receipt,) = store.receipts(info.gallery_id)
    assert receipt.state == "final"
    assert held(store, info) == ["t2"]


def test_another_process_leaves_it_alone_while_its_own_runs(store, info, clock):
    first, second = Process(store, "a"), Process(store, "b")
    receipt = first.worker.request(info.gallery_id, P1)
    first.beat(info, clock.now_s)
    clock.now_s += PRESENT_S
    second.worker.work()
    assert store.receipts(info.gallery_id) == (receipt,)
    assert second.worker.pending == 1


def test_another_process_takes_over_when_its_own_has_stopped(store, info, clock):
    first, second = Process(store, "a"), Process(store, "b")
    first.worker.request(info.gallery_id, P1)
    first.beat(info, clock.now_s)
    clock.now_s += PRESENT_S + 1
    second.worker.work()
    (receipt,) = store.receipts(info.gallery_id)
    assert (receipt.driver, held(store, info)) == ("b", ["t2"])
    assert (states(receipt, "b"), states(receipt, "a")) == ({"erased"}, {"pending"})


def test_every_other_process_forgets_and_its_mark_confirms(store, info, clock):
    first, second = Process(store, "a"), Process(store, "b")
    for process in (first, second):
        process.replica_of(info).catch_up(1)
        process.beat(info, clock.now_s)
    first.worker.request(info.gallery_id, P1)
    first.worker.work()
    (receipt,) = store.receipts(info.gallery_id)
    assert (receipt.state, states(receipt, "b")) == ("erasing", {"pending"})

    second.worker.work()
    assert second.replica_of(info).forgotten_seq >= receipt.deleted_seq
    second.beat(info, clock.now_s)
    first.worker.work()
    (receipt,) = store.receipts(info.gallery_id)
    assert (receipt.state, states(receipt, "b")) == ("final", {"erased"})
    assert first.worker.pending == 0


def test_one_that_came_back_after_the_deadline_forgets_and_the_receipt_says_so(store, info, clock):
    first, second = Process(store, "a"), Process(store, "b")
    second.replica_of(info).catch_up(1)
    second.beat(info, clock.now_s)
    first.worker.request(info.gallery_id, P1)
    clock.now_s += DEADLINE_S + 1
    first.worker.work()
    (receipt,) = store.receipts(info.gallery_id)
    assert (receipt.state, states(receipt, "b")) == ("final", {"operator"})

    second.worker.work()
    second.beat(info, clock.now_s)
    first.worker.work()
    (receipt,) = store.receipts(info.gallery_id)
    assert (receipt.state, states(receipt, "b")) == ("final", {"erased"})
    assert len(receipt.places) == 5 + 2 * len(OF_REPLICA)


def test_an_overdue_erasure_is_counted(store, info, clock):
    process = Process(store, "a")
    process.worker.request(info.gallery_id, P1)
    replica = process.replica_of(info)
    replica.catch_up(1)
    pinned = replica.view()
    process.worker.work()
    assert (process.worker.pending, process.worker.overdue) == (1, 0)
    clock.now_s += DEADLINE_S + 1
    process.worker.work()
    assert (process.worker.pending, process.worker.overdue) == (1, 1)
    del pinned
    process.worker.work()
    assert (process.worker.pending, process.worker.overdue) == (0, 0)


def test_a_gallery_that_cannot_be_worked_on_does_not_keep_the_others_from_it(store, info):
    process = Process(store, "a")
    other = store.create_gallery("attic", SPEC)
    put(store, other, person("t1", "p1"))
    for one in (info, other):
        process.worker.request(one.gallery_id, P1)

    def behind(seq, timeout_s):
        raise ReplicaBehind(expected="a write", received="none", remedy="wait")

    process.replica_of(other).wait_for = behind
    with pytest.raises(ReplicaBehind):
        process.worker.work()
    assert (held(store, info), held(store, other)) == (["t2"], ["t1"])
    assert process.worker.pending == 1


def test_a_store_that_is_away_is_asked_again(store, info):
    worker = Process(store, "a").worker
    worker.request(info.gallery_id, P1)
    store.close()
    with pytest.raises(StoreUnavailable):
        worker.work()
    store.open()
    worker.work()
    assert held(store, info) == ["t2"]
