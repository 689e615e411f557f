"""What every store owes to people who are to be forgotten, and to those who ask who did what."""

import time
from dataclasses import replace

import numpy as np
import pytest

from service.gallery.gallery_errors import IdentityBeingErased
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.batch import Delete
from service.gallery.stores.erasure_receipt import ErasurePlace
from tests.erasure_receipts import receipt
from tests.gallery_stores import SPEC, held, unit, upsert, write

SEARCH = AuditEntry(1.5, "operator é", "search", "default", "p", "case 12/3", "req-1", 7)
ERASE = AuditEntry(2.5, "-", "erase", "default", None, None, None)


def test_nobody_enrolls_an_identity_that_is_being_erased(store, gallery):
    write(store, gallery, upsert("a", identity="p"), upsert("b", identity="q"))
    store.begin_erasure(receipt(gallery))
    before = store.state(gallery)
    for changes in ([upsert("c", identity="p")], [upsert("d"), upsert("b", identity="p")]):
        with pytest.raises(IdentityBeingErased) as caught:
            write(store, gallery, *changes)
        assert caught.value.expected == "identities that nobody is erasing"
        assert caught.value.received == "'p'"
        assert "receipt" in caught.value.remedy
    assert store.state(gallery) == before
    written = write(store, gallery, Delete("a"), upsert("c", identity="q"), upsert("d"))
    assert written.outcomes == ("deleted", "created", "created")


def test_once_the_receipt_is_final_the_identity_may_come_back(store, gallery):
    store.begin_erasure(receipt(gallery))
    store.save_receipt(receipt(gallery, tracklets=3, upto_seq=4))
    with pytest.raises(IdentityBeingErased):
        write(store, gallery, upsert("a", identity="p"))
    final = receipt(gallery, state="final", final_s=20.0)
    store.save_receipt(final)
    assert write(store, gallery, upsert("a", identity="p")).outcomes == ("created",)
    assert store.receipts(gallery) == (final,)


def test_a_final_receipt_stays_final(store, gallery):
    final = receipt(gallery, state="final", final_s=20.0)
    store.begin_erasure(receipt(gallery))
    store.save_receipt(final)
    store.save_receipt(receipt(gallery, tracklets=9))
    assert store.receipts(gallery) == (final,)
    assert write(store, gallery, upsert("a", identity="p")).seq == 1
    amended = replace(final, places=(ErasurePlace("store", "erased", 30.0),))
    store.save_receipt(amended)
    assert store.receipts(gallery) == (amended,)


def test_while_one_of_two_erasures_goes_on_the_identity_stays_out(store, gallery):
    store.begin_erasure(receipt(gallery, "r1"))
    store.begin_erasure(receipt(gallery, "r2", requested_s=11.0))
    store.save_receipt(receipt(gallery, "r1", state="final", final_s=20.0))
    with pytest.raises(IdentityBeingErased):
        write(store, gallery, upsert("a", identity="p"))
    store.save_receipt(receipt(gallery, "r2", requested_s=11.0, state="final", final_s=21.0))
    write(store, gallery, upsert("a", identity="p"))


def test_an_erasure_of_one_tracklet_refuses_nobody(store, gallery):
    store.begin_erasure(receipt(gallery, identity=None, tracklet_id="a"))
    assert write(store, gallery, upsert("a"), upsert("b", identity="p")).seq == 1


def test_an_erasure_counts_in_its_own_gallery_only(store, gallery):
    other = store.create_gallery("other", SPEC).gallery_id
    store.begin_erasure(receipt(gallery))
    assert write(store, other, upsert("a", identity="p")).seq == 1
    assert store.receipts(other) == ()


def test_receipts_come_back_whole_and_oldest_first(store, gallery):
    late = receipt(gallery, "a", requested_s=30.0, identity="é{}:", tracklets=5, deleted_seq=4)
    early = receipt(gallery, "b", requested_s=2.25, upto_seq=3)
    middle = receipt(gallery, "c", requested_s=11.0, identity=None, tracklet_id="שלום")
    for one in (late, early, middle):
        store.begin_erasure(one)
    assert store.receipts(gallery) == (early, middle, late)


def test_an_erasure_that_goes_on_is_known_after_a_restart(place, store, gallery):
    store.begin_erasure(receipt(gallery))
    store.close()
    again = place.store()
    again.open()
    try:
        assert again.receipts(gallery) == (receipt(gallery),)
        with pytest.raises(IdentityBeingErased):
            write(again, gallery, upsert("a", identity="p"))
    finally:
        again.close()


def traces_of(name: str, seed: int) -> list[bytes]:
    """What the files hold of a row: its embedding and its metadata."""
    return [unit(seed).astype("<f2").tobytes(), f"person-of-{name}".encode()]


def test_after_a_purge_no_byte_of_what_was_deleted_or_replaced_is_left(place, store, gallery):
    for number in range(300):
        name = f"t{number:03}"
        write(store, gallery, upsert(name, number, identity=f"person-of-{name}"))
    for number in range(0, 300, 3):
        write(store, gallery, Delete(f"t{number:03}"))
        name = f"t{number + 1:03}"
        write(store, gallery, upsert(name, number + 1000, attributes={"note": "x" * number}))
    store.purge()
    content = place.content()
    for number in range(300):
        traces = traces_of(f"t{number:03}", number)
        assert {trace in content for trace in traces} == {number % 3 == 2}, number
        if number % 3 == 1:
            assert unit(number + 999).astype("<f2").tobytes() in content
    assert len(held(store, gallery)) == 200
    assert write(store, gallery, upsert("one more")).outcomes == ("created",)


def test_after_a_purge_nothing_of_a_dropped_gallery_is_left(place, store, gallery):
    for number in range(40):
        write(store, gallery, upsert(f"t{number}", number, identity=f"person-of-t{number}"))
    assert all(trace in place.content() for trace in traces_of("t7", 7))
    store.drop_gallery(gallery)
    store.purge()
    content = place.content()
    assert not [n for n in range(40) for trace in traces_of(f"t{n}", n) if trace in content]


def test_a_purge_of_nothing_changes_nothing(store, gallery):
    write(store, gallery, upsert("a", 1))
    before = store.state(gallery), held(store, gallery)["a"].embedding
    store.purge()
    store.purge()
    assert store.state(gallery) == before[0]
    assert np.array_equal(held(store, gallery)["a"].embedding, before[1])


def test_the_audit_log_comes_back_in_order_and_in_pages(store):
    assert store.audit_entries(after=None, limit=9) == []
    store.audit([SEARCH, ERASE])
    store.audit([])
    store.audit([replace(SEARCH, at_s=number + 3.0) for number in range(5)])
    everything = store.audit_entries(after=None, limit=99)
    assert [entry for _, entry in everything][:2] == [SEARCH, ERASE]
    assert [entry.at_s for _, entry in everything] == [1.5, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0]
    paged, after = [], None
    while page := store.audit_entries(after=after, limit=3):
        assert len(page) <= 3
        paged.extend(page)
        after = page[-1][0]
    assert paged == everything
    store.audit([ERASE])
    assert [entry for _, entry in store.audit_entries(after=after, limit=9)] == [ERASE]


def test_the_audit_log_outlives_the_gallery_and_a_restart(place, store, gallery):
    store.audit([SEARCH])
    store.drop_gallery(gallery)
    store.close()
    again = place.store()
    again.open()
    try:
        assert [entry for _, entry in again.audit_entries(after=None, limit=9)] == [SEARCH]
    finally:
        again.close()


def test_the_audit_log_forgets_what_is_older_than_asked(store):
    old = replace(SEARCH, at_s=store.now_s())
    store.audit([old])
    time.sleep(0.02)
    moment_s = store.now_s()
    time.sleep(0.02)
    new = replace(ERASE, at_s=store.now_s())
    store.audit([new])
    store.trim_audit(before_s=moment_s - 60)
    assert [entry for _, entry in store.audit_entries(after=None, limit=9)] == [old, new]
    store.trim_audit(before_s=moment_s)
    ((position, entry),) = store.audit_entries(after=None, limit=9)
    assert entry == new
    store.audit([old])
    assert [entry for _, entry in store.audit_entries(after=position, limit=9)] == [old]
