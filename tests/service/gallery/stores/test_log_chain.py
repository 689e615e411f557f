import hashlib
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.gallery.stores.log_chain import LogEntry, chain_hash, first_hash, log_keys
from service.gallery.stores.row_codec import PackedBody

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
keys = st.lists(st.tuples(texts, st.none() | st.integers(0, 2**32 - 1)), max_size=4)


def chain_of(gallery_id, writes):
    entries, chain = [], first_hash(gallery_id)
    for seq, text in enumerate(writes, start=1):
        entry = LogEntry(seq, text, chain, chain_hash(chain, seq, text))
        entries.append(entry)
        chain = entry.hash
    return entries


@given(keys)
def test_keys_name_each_row_with_its_checksum_and_null_for_a_deletion(changes):
    bodies = [(name, None if crc is None else PackedBody(b"", crc)) for name, crc in changes]
    text = log_keys(bodies)
    assert json.loads(text) == [[name, crc] for name, crc in changes]
    assert text.isascii()
    assert LogEntry(1, text, "", "").touched() == tuple(name for name, _ in changes)


@given(texts, st.integers(1, 2**63), texts)
def test_the_hash_covers_the_hash_before_the_seq_and_the_keys(previous, seq, text):
    by_hand = hashlib.sha1(f"{previous}|{seq}|{text}".encode()).hexdigest()
    assert chain_hash(previous, seq, text) == by_hand
    assert len(by_hand) == 40


def test_the_first_hash_is_that_of_the_gallery():
    assert first_hash("g") == hashlib.sha1(b"g").hexdigest() != first_hash("h")


@given(st.lists(keys, min_size=1, max_size=5))
def test_every_entry_of_a_chain_continues_the_one_before_and_no_other(writes):
    entries = chain_of("g", [json.dumps(write) for write in writes])
    before = [(0, first_hash("g")), *((entry.seq, entry.hash) for entry in entries)]
    for entry in entries:
        for seq, chain in before:
            assert entry.continues(seq, chain) == (seq == entry.seq - 1)


@given(st.lists(keys, min_size=2, max_size=5), st.data())
def test_an_entry_that_was_changed_in_any_way_does_not_continue(writes, data):
    entries = chain_of("g", [json.dumps(write) for write in writes])
    before, entry = entries[-2], entries[-1]
    assert entry.continues(before.seq, before.hash)
    other = data.draw(st.sampled_from(["seq", "keys", "previous", "hash"]))
    changed = {
        "seq": replace(entry, seq=entry.seq + 1),
        "keys": replace(entry, keys=entry.keys + " "),
        "previous": replace(entry, previous="0" * 40),
        "hash": replace(entry, hash="0" * 40),
    }[other]
    assert not changed.continues(before.seq, before.hash)


def test_a_store_that_lost_its_last_entry_and_went_on_is_not_the_one_it_was():
    ours = chain_of("g", ["[]", '[["a",1]]'])
    theirs = chain_of("g", ["[]", '[["b",1]]', '[["c",1]]'])
    assert not theirs[2].continues(2, ours[1].hash)


def test_a_gallery_created_anew_has_another_chain_from_the_start():
    ours, theirs = chain_of("g", ["[]"]), chain_of("h", ["[]"])
    assert not theirs[0].continues(0, first_hash("g"))
    assert ours[0].hash != theirs[0].hash


def test_an_entry_continues_only_the_write_just_before_it():
    first, second = chain_of("g", ["[]", "[]"])
    assert second.continues(1, first.hash)
    for seq in (0, 2, 3):
        assert not second.continues(seq, first.hash)
