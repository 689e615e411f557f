"""An erasure goes through every place, can be cut short anywhere, and touches nobody else."""

import sqlite3
from dataclasses import replace

import pytest

from service.gallery.erasure import Erasure, forget_upto
from service.gallery.erasure_places import DAMAGED, FILES, OF_REPLICA, ROWS, Subject, new_receipt
from service.gallery.filter_tree import EVERYTHING
from service.gallery.gallery_errors import IdentityBeingErased, StoreUnavailable
from service.gallery.stores.erasure_receipt import ErasureReceipt
from tests.forgetting import SPEC, drop, held, person, put
from tests.log_follower import LogFollower


def away():
    return StoreUnavailable(expected="a store", received="none", remedy="wait")


def begin(store, info, subject=None, driver="a"):
    receipt = new_receipt(
        info.gallery_id,
        subject or Subject(identity="p1"),
        driver=driver,
        now_s=store.now_s(),
        deadline_s=86400.0,
    )
    store.begin_erasure(receipt)
    return receipt


def kept(store, info):
    (receipt,) = store.receipts(info.gallery_id)
    return receipt


def state_of(receipt, place, replica=None):
    (found,) = [p for p in receipt.places if (p.place, p.replica) == (place, replica)]
    return found.state


def test_an_identity_is_erased_and_everybody_else_stays(store, info, replica):
    put(store, info, person("t1", "p1"), person("t2", "p2"), person("t3", "p1"))
    receipt = Erasure(store, replica, begin(store, info)).advance()
    assert (receipt.state, receipt.tracklets) == ("final", 2)
    assert receipt.final_s == store.now_s()
    assert kept(store, info) == receipt
    assert held(store, info) == ["t2"]
    assert {place.state for place in receipt.places} == {"erased", "never_stored", "operator"}


def test_one_tracklet_is_erased_alone(store, info, replica):
    put(store, info, person("t1", "p1"), person("t2", "p1"))
    receipt = begin(store, info, Subject(tracklet_id="t1"))
    assert put(store, info, person("t3", "p1"))
    assert Erasure(store, replica, receipt).advance().state == "final"
    assert held(store, info) == ["t2", "t3"]


def test_nobody_can_enroll_the_identity_from_the_request_to_the_end(store, info, replica):
    put(store, info, person("t1", "p1"))
    receipt = begin(store, info)
    with pytest.raises(IdentityBeingErased):
        put(store, info, person("t9", "p1"))
    pinned = replica.view()
    erasure = Erasure(store, replica, receipt)
    assert erasure.advance().state == "erasing"
    with pytest.raises(IdentityBeingErased):
        put(store, info, person("t9", "p1"))
    del pinned
    assert erasure.advance().state == "final"
    assert put(store, info, person("t9", "p1"))


def test_expired_rows_are_erased_too(store, info, replica, clock):
    put(store, info, person("t1", "p1", expires_s=clock.now_s - 5))
    assert Erasure(store, replica, begin(store, info)).advance().tracklets == 1
    assert held(store, info) == []


def test_without_a_row_what_was_deleted_before_is_forgotten(store, info, replica):
    put(store, info, person("t1", "p1"))
    seq = drop(store, info, "t1")
    receipt = Erasure(store, replica, begin(store, info)).advance()
    assert (receipt.state, receipt.tracklets, receipt.deleted_seq) == ("final", 0, seq)
    assert replica.forgotten_seq == seq


def test_twice_is_harmless(store, info, replica):
    put(store, info, person("t1", "p1"), person("t2", "p2"))
    receipt = begin(store, info)
    once = Erasure(store, replica, receipt).advance()
    put(store, info, person("t1", "p1"))
    assert Erasure(store, replica, receipt).advance().state == "final"
    assert held(store, info) == ["t1", "t2"]
    assert kept(store, info).tracklets == once.tracklets == 1
    assert Erasure(store, replica, begin(store, info)).advance().state == "final"
    assert held(store, info) == ["t2"]


def test_one_who_takes_an_old_erasure_up_spares_who_was_enrolled_after_it(store, info, replica):
    put(store, info, person("t1", "p1"))
    begun = replace(begin(store, info), upto_seq=1)
    assert Erasure(store, replica, begun).advance().state == "final"
    put(store, info, person("t5", "p1"))
    Erasure(store, replica, begun).advance()
    assert held(store, info) == ["t5"]


def test_a_search_that_goes_on_delays_the_end_and_is_not_broken(store, info, replica):
    put(store, info, person("t1", "p1"), person("t2", "p2"))
    replica.catch_up(1)
    pinned = replica.view()
    rows = pinned.select(EVERYTHING, now_s=0.0).rows()
    before = pinned.embeddings(rows)
    erasure = Erasure(store, replica, begin(store, info))
    for _ in range(3):
        receipt = erasure.advance()
        assert receipt.state == "erasing"
        assert state_of(receipt, ROWS) == "erased"
        assert state_of(receipt, OF_REPLICA[0], "a") == "pending"
        assert (pinned.embeddings(rows) == before).all()
    assert replica.view().select(EVERYTHING, now_s=0.0).count == 1
    del pinned
    assert erasure.advance().state == "final"


def cut_short(store, info, monkeypatch, method, *, passages, after):
    """Whether an erasure ended by losing the store at its n-th call of a method, as a crash does.

    Args:
        after: Whether the call had been done, and only its answer was lost.
    """
    real, left = getattr(store, method), [passages]

    def breaks(*args, **kwargs):
        left[0] -= 1
        lost = left[0] == -1
        if lost and not after:
            raise away()
        answer = real(*args, **kwargs)
        if lost:
            raise away()
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(store, method, breaks)
        try:
            Erasure(store, LogFollower(store, info), kept(store, info)).advance()
        except StoreUnavailable:
            return True
    return False


STEPS = ["state", "write", "rows", "purge", "replicas", "receipts", "save_receipt", "now_s"]


@pytest.mark.parametrize("method", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_interrupted_at_any_call_of_the_store_it_goes_on_from_its_receipt(
    store, monkeypatch, method, after
):
    for passages in range(20):
        info = store.create_gallery(f"lobby {passages}", SPEC)
        put(store, info, person("t1", "p1"), person("t2", "p2"), person("t3", "p1"))
        begin(store, info)
        cut = cut_short(store, info, monkeypatch, method, passages=passages, after=after)
        restarted = LogFollower(store, info)
        receipt = Erasure(store, restarted, kept(store, info)).advance()
        assert (receipt.state, receipt.tracklets) == ("final", 2)
        assert kept(store, info) == receipt
        assert held(store, info) == ["t2"]
        if not cut:
            break
    assert 1 <= passages < 19


def test_files_are_purged_after_the_rows_are_deleted_and_memory_is_clean(
    store, info, replica, monkeypatch
):
    put(store, info, person("t1", "p1"))
    seen, real = [], store.purge
    monkeypatch.setattr(
        store,
        "purge",
        lambda: (seen.append((held(store, info), replica.forgotten_seq)), real()),
    )
    receipt = Erasure(store, replica, begin(store, info)).advance()
    assert seen == [([], receipt.deleted_seq)]
    assert state_of(receipt, FILES) == "erased"


def test_a_damaged_row_is_deleted_by_its_id(store, info, replica, tmp_path):
    put(store, info, person("t1", "p1"), person("t2", "p2"))
    store.close()
    database = sqlite3.connect(tmp_path / "g.sqlite3")
    damaged = database.execute("UPDATE packed_rows SET packed = substr(packed, 1, 40)").rowcount
    database.commit()
    database.close()
    assert damaged == 2
    store.open()
    receipt = Erasure(store, replica, begin(store, info, Subject(tracklet_id="t1"))).advance()
    assert receipt.state == "final"
    assert store.rows(info.gallery_id, ["t1"]) == [None]
    assert store.rows(info.gallery_id, ["t2"]) != [None]


def test_damaged_rows_whose_they_are_unknown_are_left_to_the_operator(store, info, replica):
    put(store, info, person("t1", "p1"))
    replica.damaged_rows = 1
    receipt = Erasure(store, replica, begin(store, info)).advance()
    assert (receipt.state, state_of(receipt, DAMAGED)) == ("final", "operator")


def test_another_replica_is_waited_for_until_its_mark_confirms(store, info, replica, clock):
    other = LogFollower(store, info, "b")
    put(store, info, person("t1", "p1"))
    other.catch_up(1)
    other.say(clock.now_s)
    erasure = Erasure(store, replica, begin(store, info))
    receipt = erasure.advance()
    assert receipt.state == "erasing"
    assert state_of(receipt, OF_REPLICA[0], "a") == "erased"
    assert state_of(receipt, OF_REPLICA[0], "b") == "pending"
    assert forget_upto(other, receipt.deleted_seq)
    other.say(clock.now_s)
    assert erasure.advance().state == "final"


def test_a_replica_that_takes_over_writes_its_own_name(store, info, replica):
    put(store, info, person("t1", "p1"))
    receipt = begin(store, info, driver="gone")
    after = Erasure(store, replica, receipt).advance()
    assert (after.driver, after.state) == ("a", "erasing")
    assert state_of(after, OF_REPLICA[0], "gone") == "pending"
    assert isinstance(after, ErasureReceipt)


def test_forgetting_twice_is_done_once(store, info, replica):
    seq = put(store, info, person("t1", "p1"))
    assert forget_upto(replica, seq)
    assert forget_upto(replica, seq)
    assert replica.forgets == 1
