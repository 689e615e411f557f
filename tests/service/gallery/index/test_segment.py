import math

import numpy as np
from hypothesis import given, settings

from service.gallery.index.row_heads import read_heads
from service.gallery.index.segment import Segment
from service.gallery.index.selection import Part
from service.gallery.index.vocabulary import Vocabulary
from service.gallery.records import TrackletMetadata
from tests.indexed_rows import DIMENSION, rows_by_name, stored, vector


def filled(rows):
    """A segment with one slot to spare, and the vocabulary of its codes."""
    segment, vocabulary = Segment(1, len(rows) + 1, DIMENSION), Vocabulary()
    for seq, (name, row) in enumerate(rows.items(), start=1):
        assert segment.append(stored(name, row, seq), vocabulary) == seq - 1
    return segment, vocabulary


def heads_of(segment, slots, vocabulary):
    alive = np.ones(segment.used, np.bool_)
    part = Part(segment, segment.used, alive, segment.used, segment.columns, segment.attributes)
    return list(read_heads(part, np.array(slots, np.int64), vocabulary))


@settings(max_examples=50, deadline=None)
@given(rows_by_name)
def test_a_row_is_read_back_as_it_was_appended_in_any_order(rows):
    segment, vocabulary = filled(rows)
    names = list(rows)
    slots = list(reversed(range(len(names))))
    for slot, head in zip(slots, heads_of(segment, slots, vocabulary), strict=True):
        assert head.tracklet_id == segment.tracklet_id(slot) == names[slot]
        assert head.metadata == rows[names[slot]][1]
        assert (head.seq, head.enrolled_s) == (slot + 1, 1.5)
        assert segment.vectors[slot].tolist() == rows[names[slot]][0].tolist()


@settings(max_examples=50, deadline=None)
@given(rows_by_name)
def test_copied_rows_are_the_rows(rows):
    segment, vocabulary = filled(rows)
    slots = np.arange(0, segment.used, 2)
    copy = Segment(2, len(slots), DIMENSION)
    copy.copy_rows(segment, slots)
    assert copy.is_full
    assert repr(heads_of(copy, range(len(slots)), vocabulary)) == repr(
        heads_of(segment, slots, vocabulary)
    )
    assert copy.vectors.tolist() == segment.vectors[slots].tolist()
    assert copy.length_error == segment.length_error


def test_it_knows_the_soonest_expiry_and_the_worst_length():
    metadata = [TrackletMetadata(expires_s=expires_s) for expires_s in (9.0, None, 5.0, 7.0)]
    rows = {f"t{number}": (vector(number), known) for number, known in enumerate(metadata)}
    segment, _ = filled(rows)
    assert segment.soonest_expiry_s == 5.0
    lengths = [np.linalg.norm(row.astype(float)) for row, _ in rows.values()]
    assert math.isclose(segment.length_error, max(abs(one - 1) for one in lengths), rel_tol=1e-6)
    assert filled({})[0].soonest_expiry_s == math.inf


def test_what_is_forgotten_is_gone_and_the_rows_beside_it_are_not():
    known = {"camera": "c", "identity": "p", "expires_s": 8.0, "attributes": {"x": 1}}
    rows = {
        name: (vector(len(name)), TrackletMetadata(**known)) for name in ("first", "b", "third")
    }
    segment, vocabulary = filled(rows)
    segment.forget(np.array([1]))
    assert bytes(segment.ids) == b"first\0third"
    assert not segment.vectors[1].any()
    assert segment.columns.enrolled_s[:3].tolist() == [1.5, 0, 1.5]
    assert segment.attributes["x"][:3].tolist() == [0, -1, 0]
    left = heads_of(segment, [0, 2], vocabulary)
    assert [head.tracklet_id for head in left] == ["first", "third"]
    assert all(head.metadata == TrackletMetadata(**known) for head in left)
