"""What one writer does to the rows, and what earlier views go on seeing."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidEmbedding
from service.gallery.filter_tree import EVERYTHING, Equals
from service.gallery.index import recoding
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.records import TrackletMetadata
from service.gallery.stores.log_chain import first_hash
from service.gallery.stores.protocol import GalleryState
from tests.indexed_rows import (
    DIMENSION,
    NOTHING_KNOWN,
    NOW_S,
    index_of,
    names,
    nearest_by_hand,
    rounded,
    stored,
    vector,
    vectors,
)

changes = st.lists(
    st.tuples(names, st.none() | st.tuples(vectors, st.just(NOTHING_KNOWN))), max_size=60
)


def numbered(count, **known):
    return {f"t{number:03}": (vector(number), TrackletMetadata(**known)) for number in range(count)}


def shown(view):
    return sorted(view.ids(view.select(EVERYTHING, now_s=NOW_S)))


def digest_by_hand(rows):
    digest = 0
    for row in rows:
        digest ^= row.digest
    return digest


@settings(max_examples=100, deadline=None)
@given(changes=changes)
def test_any_sequence_of_writes_leaves_what_a_dictionary_would_hold(changes):
    index, held = GalleryIndex("gallery", DIMENSION, segment_rows=(4, 8)), {}
    for seq, (name, row) in enumerate(changes, start=1):
        if row is None:
            held.pop(name, None)
            index.apply([], [name], seq=seq, chain=f"{seq}")
        else:
            held[name] = stored(name, row, seq)
            index.apply([held[name]], [], seq=seq, chain=f"{seq}")
    view = index.view
    assert shown(view) == sorted(held)
    digest = digest_by_hand(held.values())
    if changes:
        assert view.state == GalleryState(len(changes), len(held), digest, f"{len(changes)}")
    everything = view.select(EVERYTHING, now_s=NOW_S)
    assert view.digest_of(everything.rows()) == digest
    for name, row in held.items():
        at = np.array([view.row_of(name)])
        assert view.record_head(name).seq == row.record.seq
        assert view.embeddings(at)[0].tolist() == row.record.embedding.tolist()


def test_an_empty_index_stands_before_the_first_write():
    view = GalleryIndex("gallery", DIMENSION).view
    assert view.state == GalleryState(0, 0, 0, first_hash("gallery"))
    assert view.living_ids() == []
    assert view.row_of("t") is None


def test_a_row_that_is_not_newer_than_the_one_held_changes_nothing():
    index = GalleryIndex("gallery", DIMENSION)
    old, new = (stored("t", (vector(seed), NOTHING_KNOWN), seed) for seed in (1, 2))
    index.apply([new], [], seq=2, chain="b")
    index.apply([new, old], [], seq=3, chain="c")
    assert index.view.record_head("t").seq == 2
    assert index.view.state == GalleryState(3, 1, new.digest, "c")


def test_deleting_what_is_not_held_only_moves_the_state_on():
    index = index_of(numbered(3))
    before = index.view.state
    index.apply([], ["nobody", "nobody"], seq=9, chain="z")
    assert index.view.state == GalleryState(9, 3, before.digest, "z")


def test_a_row_of_another_dimension_is_refused_and_nothing_of_the_write_is_seen():
    index = index_of(numbered(3))
    before = index.view
    wrong = stored("u", (rounded(np.ones(DIMENSION + 1)), NOTHING_KNOWN), 9)
    right = stored("v", (vector(4), NOTHING_KNOWN), 9)
    with pytest.raises(
        InvalidEmbedding, match=r"expected rows of dimension 8, received shape \[9\]"
    ):
        index.apply([right, wrong], [], seq=9, chain="z")
    assert index.view is before


def test_an_earlier_view_never_changes():
    rows = numbered(40, camera="c0", identity="p")
    index = index_of(rows)
    pinned = index.view
    query = vector(99)
    expected = nearest_by_hand(rows, query, EVERYTHING, 40)
    for seq in range(100, 200):
        newer = stored(f"t{seq % 40:03}", (vector(seq), TrackletMetadata(camera="c1")), seq)
        index.apply([newer], [f"t{(seq + 7) % 40:03}"], seq=seq, chain="c")
    hits = pinned.nearest(query[None], pinned.select(EVERYTHING, now_s=NOW_S), 40)[0]
    assert [(hit.tracklet_id, hit.similarity) for hit in hits] == expected
    assert {hit.metadata.camera for hit in hits} == {"c0"}
    for name in rows:
        assert pinned.record_head(name).seq <= 40
        assert pinned.ids_of(np.array([pinned.row_of(name)])) == [name]
    assert pinned.row_of("never") is None
    assert pinned.page(EVERYTHING, after=None, limit=100, now_s=NOW_S) == sorted(rows)


def test_full_segments_that_are_mostly_dead_give_their_memory_back():
    index = index_of(numbered(12))  # segments of 4 and 8, both full
    index.apply([], [f"t{number:03}" for number in range(9)], seq=99, chain="c")
    assert shown(index.view) == ["t009", "t010", "t011"]
    assert sum(part.segment.capacity for part in index.view.parts) < 12
    index.apply([], ["t009", "t010", "t011"], seq=100, chain="c")
    assert shown(index.view) == []


def test_rewriting_a_few_rows_for_ever_takes_bounded_memory():
    index = GalleryIndex("gallery", DIMENSION, segment_rows=(8, 16))
    for seq in range(1, 500):
        row = (vector(seq), TrackletMetadata(attributes={"unique": seq}))
        index.apply([stored(f"t{seq % 5}", row, seq)], [], seq=seq, chain="c")
        assert sum(part.segment.capacity for part in index.view.parts) <= 24
    assert shown(index.view) == [f"t{number}" for number in range(5)]


def test_values_of_rows_that_are_gone_are_forgotten_before_they_fill_the_memory(monkeypatch):
    monkeypatch.setattr(recoding, "_SPARE_VALUES", 10)
    index = GalleryIndex("gallery", DIMENSION, segment_rows=(8, 16))
    for seq in range(1, 200):
        known = TrackletMetadata(f"p{seq}", f"c{seq}", attributes={"unique": seq, f"name{seq}": 1})
        index.apply([stored(f"t{seq % 3}", (vector(seq), known), seq)], [], seq=seq, chain="c")
        pinned = index.view
        assert all(len(table) <= 20 for table in pinned.vocabulary.tables())
        assert pinned.record_head(f"t{seq % 3}").metadata == known
    assert len(index.view.vocabulary.attribute_names()) < 30
    assert [
        hit.metadata.identity for hit in index.view.heads(index.view.rows_of(["t0", "t1"]))
    ] == [
        "p198",
        "p199",
    ]


def persons(count):
    return {
        f"t{number}": (vector(number), TrackletMetadata(f"p{number}", attributes={"x": number}))
        for number in range(count)
    }


def test_what_was_deleted_is_overwritten_with_all_that_was_known_of_it():
    index = index_of(persons(10))
    index.apply([], ["t1", "t5"], seq=99, chain="c")
    assert index.zero_dead_slots()
    for part in index.view.parts:
        segment = part.segment
        assert not segment.vectors[: part.length][~part.alive].any()
        for name, column in part.columns.arrays().items():
            assert (
                name == "id_end"
                or not column[: part.length][~part.alive].any()
                or (
                    name in {"camera", "identity"}
                    and set(column[: part.length][~part.alive].tolist()) == {-1}
                )
            )
        assert b"t1" not in bytes(segment.ids)
        assert b"t5" not in bytes(segment.ids)
    vocabulary = index.view.vocabulary
    assert not {"p1", "p5"} & set(vocabulary.identities.values())
    assert not {1, 5} & set(vocabulary.attribute("x").values())
    assert index.view.state.tracklets == 8
    assert [head.metadata.identity for head in index.view.heads(index.view.rows_of(["t2"]))] == [
        "p2"
    ]


def test_what_an_earlier_view_shows_is_not_overwritten_until_the_view_is_gone():
    rows = persons(10)
    index = index_of(rows)
    pinned = index.view
    index.apply([], ["t1"], seq=99, chain="c")
    assert not index.zero_dead_slots()
    assert pinned.record_head("t1").metadata == rows["t1"][1]
    at = np.array([pinned.row_of("t1")])
    assert pinned.embeddings(at)[0].tolist() == rows["t1"][0].tolist()
    del pinned
    gc.collect()
    assert index.zero_dead_slots()


def test_a_view_from_before_a_recoding_keeps_its_own_codes():
    rows = persons(6)
    index = index_of(rows)
    index.apply([], ["t0", "t3"], seq=9, chain="c")
    pinned = index.view
    assert index.zero_dead_slots()
    for name in ("t1", "t2", "t4", "t5"):
        assert pinned.record_head(name).metadata == rows[name][1]
        assert index.view.record_head(name).metadata == rows[name][1]
    chosen = Equals("identity", ("p4",))
    for view in (pinned, index.view):
        assert view.ids(view.select(chosen, now_s=NOW_S)) == ["t4"]


def test_rows_may_be_written_after_what_was_dead_has_been_overwritten():
    index = index_of(persons(6))
    index.apply([], ["t0", "t3"], seq=9, chain="c")
    assert index.zero_dead_slots()
    known = TrackletMetadata("p9", "c9", attributes={"x": 9, "new": True})
    index.apply([stored("t0", (vector(9), known), 10)], [], seq=10, chain="d")
    assert index.view.record_head("t0").metadata == known
    assert shown(index.view) == ["t0", "t1", "t2", "t4", "t5"]
    assert index.view.page(EVERYTHING, after=None, limit=9, now_s=NOW_S) == shown(index.view)


def test_a_segment_that_no_view_shows_gives_its_memory_back_at_once():
    index = index_of(numbered(12))
    segments = [weakref.ref(part.segment) for part in index.view.parts]
    index.apply([], [f"t{number:03}" for number in range(12)], seq=99, chain="c")
    assert [segment() for segment in segments] == [None, None]


def test_what_was_deleted_is_overwritten_too_in_segments_that_somebody_else_still_holds():
    index = index_of(numbered(12))
    held = [part.segment for part in index.view.parts]
    index.apply([], [f"t{number:03}" for number in range(9)], seq=99, chain="c")
    living = index.view.embeddings(index.view.select(EVERYTHING, now_s=NOW_S).rows())
    assert index.zero_dead_slots()
    left_out = [one for one in held if one not in {part.segment for part in index.view.parts}]
    assert left_out
    for segment in left_out:
        assert not segment.vectors.any()
        assert not any(segment.ids)
    again = index.view.embeddings(index.view.select(EVERYTHING, now_s=NOW_S).rows())
    assert (again == living).all()
