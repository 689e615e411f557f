"""Entries are applied in their places, and nothing that does not continue what was applied."""

from dataclasses import replace

import pytest

from service.gallery.gallery_errors import LogTrimmed, ReplicaDiverged
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.replica import log_follower
from service.gallery.replica.ledger import Ledger
from service.gallery.replica.log_follower import LogFollower
from service.gallery.stores.batch import Delete
from service.gallery.stores.log_chain import chain_hash
from tests.gallery_stores import DIMENSION, upsert, write
from tests.replicas import CutStore, ids_in


@pytest.fixture
def cut(store):
    return CutStore(store)


@pytest.fixture
def index(info):
    return GalleryIndex(info.gallery_id, DIMENSION)


@pytest.fixture
def follower(cut, index):
    def apply(taken, last):
        index.apply(taken.rows, taken.deleted, seq=last.seq, chain=last.hash)

    return LogFollower(cut, index, Ledger(DIMENSION), apply)


@pytest.fixture
def written(store, info):
    write(store, info.gallery_id, upsert("a"), upsert("b"))
    write(store, info.gallery_id, upsert("a", 2), Delete("b"))
    write(store, info.gallery_id, upsert("c"))


def test_it_comes_to_the_state_of_the_store(store, info, follower, index, written):
    assert follower.follow(info.gallery_id) == 3
    assert index.view.state == store.state(info.gallery_id)
    assert ids_in(index.view) == ["a", "c"]
    assert follower.follow(info.gallery_id) == 0


def test_it_stops_where_it_is_told_to(info, follower, index, written):
    assert follower.follow(info.gallery_id, upto=2) == 2
    assert index.view.state.seq == 2


def test_rows_are_read_in_groups_that_fit_into_memory(
    store, info, follower, index, cut, written, monkeypatch
):
    monkeypatch.setattr(log_follower, "ROWS_AT_ONCE", 2)
    read = []
    cut.answers["rows"] = lambda real, gallery_id, ids: read.append(ids) or real(gallery_id, ids)
    follower.follow(info.gallery_id)
    assert read == [["a", "b"], ["a", "b"], ["c"]]
    assert index.view.state == store.state(info.gallery_id)


def test_a_row_that_several_entries_name_is_read_once(info, follower, cut, written):
    read = []
    cut.answers["rows"] = lambda real, gallery_id, ids: read.append(ids) or real(gallery_id, ids)
    follower.follow(info.gallery_id)
    assert read == [["a", "b", "c"]]


def resigned(entry, keys):
    """The entry with other keys and the hash that belongs to them."""
    return replace(entry, keys=keys, hash=chain_hash(entry.previous, entry.seq, keys))


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries[1:],
        lambda entries: [entries[0], entries[2]],
        lambda entries: [entries[0], entries[0]],
        lambda entries: [replace(entries[0], keys="[]")],
        lambda entries: [replace(entries[0], hash="0" * 40)],
        lambda entries: [replace(entries[0], previous="0" * 40)],
        lambda entries: [resigned(entries[0], "not JSON")],
        lambda entries: [resigned(entries[0], '[["a"]]')],
        lambda entries: [resigned(entries[0], '[["a","text"]]')],
        lambda entries: [resigned(entries[0], "[[1,2]]")],
        lambda entries: [resigned(entries[0], '{"newer": 1}')],
        lambda entries: [resigned(entries[0], "5")],
    ],
)
def test_what_does_not_continue_the_log_is_not_applied(info, follower, index, cut, written, change):
    cut.answers["log"] = lambda real, *given, **named: change(real(*given, **named))
    with pytest.raises(
        ReplicaDiverged,
        match=r"expected a log that continues write \d .*, received an entry \d that does not",
    ):
        follower.follow(info.gallery_id)
    assert index.view.state.seq == 0


def test_a_trimmed_log_cannot_be_followed(store, info, follower, written):
    store.trim_log(info.gallery_id, upto=2)
    with pytest.raises(LogTrimmed):
        follower.follow(info.gallery_id)
