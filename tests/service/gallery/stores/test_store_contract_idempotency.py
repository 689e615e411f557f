"""What every store owes to a caller that repeats a request because it did not hear the answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.gallery.gallery_errors import IdempotencyConflict, SeqConflict
from service.gallery.stores.batch import Delete, IdempotencyKey, Written
from tests.gallery_stores import SPEC, held, upsert, write

KEY = IdempotencyKey("5f1d", "digest-of-a")


def test_a_repetition_is_answered_as_the_first_time_and_not_done_again(store, gallery):
    write(store, gallery, upsert("a"))
    changes = [upsert("b"), Delete("a"), Delete("zz")]
    first = write(store, gallery, *changes, key=KEY)
    assert first == Written(2, ("created", "deleted", "absent"))
    write(store, gallery, upsert("a"))
    before = store.state(gallery)
    for _ in range(2):
        again = write(store, gallery, *changes, key=KEY)
        assert again == Written(2, first.outcomes, repeated=True)
    assert store.state(gallery) == before
    assert set(held(store, gallery)) == {"a", "b"}


def test_a_condition_that_held_the_first_time_need_not_hold_again(store, gallery):
    written = write(store, gallery, upsert("a", 1, if_seq=0), key=KEY)
    again = write(store, gallery, upsert("a", 1, if_seq=0), key=KEY)
    assert (again.seq, again.repeated) == (written.seq, True)


def test_a_key_that_came_with_another_request_is_refused(store, gallery):
    write(store, gallery, upsert("a"), key=KEY)
    before = store.state(gallery)
    with pytest.raises(IdempotencyConflict) as caught:
        write(store, gallery, upsert("b"), key=IdempotencyKey(KEY.key, "digest-of-b"))
    assert caught.value.expected == "the request that this idempotency key came with before"
    assert caught.value.received == "another request"
    assert "new key" in caught.value.remedy
    assert store.state(gallery) == before


def test_a_request_that_had_nothing_to_do_is_remembered_too(store, gallery):
    write(store, gallery, upsert("a"))
    assert write(store, gallery, Delete("b"), key=KEY) == Written(1, ("absent",))
    write(store, gallery, upsert("b"))
    assert write(store, gallery, Delete("b"), key=KEY) == Written(1, ("absent",), repeated=True)
    assert set(held(store, gallery)) == {"a", "b"}


def test_a_request_that_was_refused_may_be_sent_again_with_its_key(store, gallery):
    with pytest.raises(SeqConflict):
        write(store, gallery, upsert("a", if_seq=5), key=KEY)
    written = write(store, gallery, upsert("a", if_seq=0), key=KEY)
    assert (written.seq, written.repeated) == (1, False)


def test_a_key_counts_in_its_own_gallery_only(store, gallery):
    other = store.create_gallery("other", SPEC).gallery_id
    for key, order in (("k", (gallery, other)), ("l", (other, gallery))):
        for one in order:
            asked = IdempotencyKey(key, f"{key} of {one}")
            assert not write(store, one, upsert(key), key=asked).repeated
        for one in order:
            asked = IdempotencyKey(key, f"{key} of {one}")
            assert write(store, one, upsert(key), key=asked).repeated


def test_keys_of_any_printable_ascii_are_told_apart(store, gallery):
    keys = ["a", "A", "a ", "{a}", "a:b", "%'\"\\", "x" * 128]
    for number, key in enumerate(keys):
        written = write(store, gallery, upsert(f"t{number}"), key=IdempotencyKey(key, "r"))
        assert not written.repeated
    for number, key in enumerate(keys):
        again = write(store, gallery, upsert(f"t{number}"), key=IdempotencyKey(key, "r"))
        assert (again.seq, again.repeated) == (number + 1, True)


def test_an_answer_is_remembered_after_a_restart(place, store, gallery):
    first = write(store, gallery, upsert("a"), key=KEY)
    store.close()
    again = place.store()
    again.open()
    try:
        assert write(again, gallery, upsert("a"), key=KEY) == Written(
            first.seq, first.outcomes, repeated=True
        )
    finally:
        again.close()


def test_of_fifty_at_once_one_is_done_and_all_are_answered_alike(store, gallery):
    together = threading.Barrier(50)

    def send(_):
        together.wait(30)
        return write(store, gallery, upsert("a"), upsert("b"), key=KEY)

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(send, range(50)))
    assert sorted(answer.repeated for answer in answers) == [False] + [True] * 49
    assert {(answer.seq, answer.outcomes) for answer in answers} == {(1, ("created", "created"))}
    assert store.state(gallery).seq == 1
    assert len(store.log(gallery, after=0, limit=9)) == 1
