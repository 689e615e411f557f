"""The columns select what the oracle selects, whatever the tree and whatever the rows."""

import pytest
from hypothesis import example, given, settings

from service.gallery.filter_tree import EVERYTHING, All, Between, Equals, Exists, Not, Overlaps
from service.gallery.index.segment import id_hash
from service.gallery.records import TrackletMetadata
from tests.indexed_rows import (
    NOW_S,
    filters,
    index_of,
    names,
    passes,
    rows_by_name,
    stored,
    vector,
)


def selected(view, chosen, now_s=NOW_S):
    return sorted(view.ids(view.select(chosen, now_s=now_s)))


@settings(max_examples=300, deadline=None)
@given(rows=rows_by_name, chosen=filters)
def test_a_tree_over_columns_selects_what_the_oracle_lets_pass(rows, chosen):
    view = index_of(rows).view
    expected = sorted(name for name, row in rows.items() if passes(name, row, chosen))
    selection = view.select(chosen, now_s=NOW_S)
    assert sorted(view.ids(selection)) == expected
    assert selection.count == len(expected) == len(selection.rows())


@settings(max_examples=100, deadline=None)
@given(rows=rows_by_name, newer=rows_by_name, chosen=filters)
def test_replaced_and_deleted_rows_are_never_selected(rows, newer, chosen):
    index = index_of(rows)
    gone = sorted(rows)[:2]
    written = [stored(name, row, 100) for name, row in newer.items()]
    index.apply(written, [name for name in gone if name not in newer], seq=100, chain="c")
    held = {name: row for name, row in rows.items() if name not in gone} | newer
    expected = sorted(name for name, row in held.items() if passes(name, row, chosen))
    assert selected(index.view, chosen) == expected


@given(rows=rows_by_name, chosen=filters)
@settings(max_examples=50, deadline=None)
def test_what_passes_and_what_does_not_are_everything(rows, chosen):
    view = index_of(rows).view
    some, others = selected(view, chosen), selected(view, Not(chosen))
    assert not set(some) & set(others)
    assert sorted(some + others) == selected(view, EVERYTHING)


def one_row(**known):
    return index_of({"t": (vector(1), TrackletMetadata(**known))}).view


@pytest.mark.parametrize(
    ("held", "wanted", "found"),
    [
        (1, 1.0, True),
        (1.0, 1, True),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        (0, False, False),
        (-0.0, 0, True),
        (0, -0.0, True),
        (2**53 + 1, float(2**53), False),
        (2**53, float(2**53), True),
        (float(2**53), 2**53, True),
        (2**63 - 1, 2.0**63, False),
        ("1", 1, False),
        (1, 10**400, False),
    ],
)
def test_values_are_equal_where_they_are_so_for_the_oracle(held, wanted, found):
    chosen = Equals("attributes.x", (wanted,))
    view = one_row(attributes={"x": held})
    assert chosen.matches("t", TrackletMetadata(attributes={"x": held})) == found
    assert (selected(view, chosen) == ["t"]) == found


def test_each_kind_of_number_is_read_back_as_it_was_enrolled():
    rows = {
        f"t{number}": (vector(number), TrackletMetadata(attributes={"x": value}))
        for number, value in enumerate([1, 1.0, True, 0, 0.0, -0.0, False])
    }
    view = index_of(rows).view
    for name, (_, metadata) in rows.items():
        read = view.record_head(name).metadata.attributes["x"]
        assert repr(read) == repr(metadata.attributes["x"])


def test_integers_that_a_float_would_round_are_compared_exactly():
    view = one_row(attributes={"x": 2**53 + 1})
    assert selected(view, Between("attributes.x", 2**53 + 1, 2**53 + 2)) == ["t"]
    assert selected(view, Between("attributes.x", 0, 2**53 + 1)) == []


def test_expiry_takes_effect_at_its_very_moment():
    view = one_row(expires_s=50.0)
    assert selected(view, EVERYTHING, now_s=49.999) == ["t"]
    assert selected(view, EVERYTHING, now_s=50.0) == []


def test_a_row_that_never_expires_is_selected_at_any_time():
    assert selected(one_row(), EVERYTHING, now_s=1e300) == ["t"]


def test_values_that_no_row_ever_had_select_nothing():
    view = one_row(camera="c", attributes={"x": 1})
    for chosen in (
        Equals("camera", ("other",)),
        Equals("identity", ("nobody",)),
        Equals("tracklet_id", ("u",)),
        Equals("attributes.y", (1,)),
        Between("attributes.y"),
        Exists("attributes.y"),
        Exists("identity"),
        Exists("time"),
        Overlaps(),
    ):
        assert selected(view, chosen) == []
        assert selected(view, Not(chosen)) == ["t"]


def test_an_attribute_that_appears_late_is_unknown_in_earlier_rows_and_views():
    index = index_of({"t": (vector(1), TrackletMetadata())})
    before = index.view
    row = (vector(2), TrackletMetadata(attributes={"late": 1}))
    index.apply([stored("u", row, 2)], [], seq=2, chain="c")
    assert selected(index.view, Exists("attributes.late")) == ["u"]
    assert selected(before, Exists("attributes.late")) == []
    assert selected(before, EVERYTHING) == ["t"]


@given(name=names)
@example(name="t1")
def test_two_ids_of_the_same_hash_are_told_apart(name):
    view = index_of({name: (vector(1), TrackletMetadata())}).view
    part = view.parts[0]
    wrong = "another" if name != "another" else "name"
    hashes = part.segment.columns.id_hash
    hashes[0] = id_hash(wrong)
    assert selected(view, Equals("tracklet_id", (wrong,))) == []


def test_a_selection_of_everything_copies_no_bits():
    view = index_of(
        {f"t{number}": (vector(number), TrackletMetadata()) for number in range(5)}
    ).view
    selection = view.select(EVERYTHING, now_s=NOW_S)
    for part, mask in zip(view.parts, selection.masks, strict=True):
        assert mask is part.alive
    assert view.select(All(), now_s=NOW_S).count == 5
