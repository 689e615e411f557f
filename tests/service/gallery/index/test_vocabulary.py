import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.filter_tree import Between, Equals
from service.gallery.index.vocabulary import ValueTable, Vocabulary
from service.gallery.records import TrackletMetadata
from tests.indexed_rows import attributes, bounds

held_values = st.lists(attributes, max_size=12)


def with_value(value):
    return TrackletMetadata(attributes={"x": value})


@given(held_values)
def test_a_code_means_one_value_for_ever_and_each_is_read_back_as_it_was(values):
    table = ValueTable()
    codes = [table.assign(value) for value in values]
    assert codes == [table.assign(value) for value in values]
    assert [repr(table[code]) for code in codes] == [repr(value) for value in values]
    assert len(table) == len({repr(value) for value in values})
    assert [repr(value) for value in ValueTable(table.values()).values()] == [
        repr(value) for value in table.values()
    ]


@given(held_values, st.lists(attributes, min_size=1, max_size=3))
def test_equal_values_are_those_that_a_filter_takes_for_equal(values, wanted):
    table = ValueTable(values)
    chosen = Equals("attributes.x", tuple(wanted))
    expected = [
        code for code, value in enumerate(table.values()) if chosen.matches("t", with_value(value))
    ]
    assert table.equal(wanted) == expected


@given(held_values, st.tuples(bounds, bounds).map(sorted))
def test_numbers_between_bounds_are_those_that_a_filter_lets_pass(values, ends):
    table = ValueTable(values)
    chosen = Between("attributes.x", *ends)
    expected = [chosen.matches("t", with_value(value)) for value in table.values()]
    assert table.between(chosen).tolist() == [*expected, False]


@pytest.mark.parametrize("wanted", [10**400, -(10**400), math.inf])
def test_a_number_that_float64_cannot_hold_equals_nothing_held(wanted):
    assert ValueTable([1, 2.0**1000]).equal([wanted]) == []


def test_integers_that_a_float_would_round_are_compared_exactly():
    table = ValueTable([2**53, 2**53 + 1])
    chosen = Between("attributes.x", 2**53 + 1, 2**53 + 2)
    assert table.between(chosen).tolist() == [False, True, False]


def test_more_values_than_there_was_room_for_leave_what_a_reader_holds_as_it_was():
    table = ValueTable(range(64))
    before = table.between(Between("attributes.x", 10, 20))
    table.assign(12.5)
    assert np.flatnonzero(table.between(Between("attributes.x", 10, 20))).tolist() == [
        *range(10, 20),
        64,
    ]
    assert np.flatnonzero(before).tolist() == list(range(10, 20))


def test_an_attribute_that_no_row_has_has_an_empty_table_and_leaves_no_name():
    vocabulary = Vocabulary()
    assert len(vocabulary.attribute("x")) == 0
    assert vocabulary.attribute_names() == []
    names = vocabulary.tables()
    vocabulary.assign_attribute("y", 1)
    vocabulary.assign_attribute("x", 1)
    assert vocabulary.attribute_names() == ["x", "y"]
    assert len(names) == 2
    assert len(vocabulary.tables()) == 4
