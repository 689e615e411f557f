import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.index import recoding
from service.gallery.index.recoding import is_overgrown, recoded
from service.gallery.index.vocabulary import UNKNOWN, ValueTable, Vocabulary

codes = st.lists(st.integers(UNKNOWN, 4), max_size=9)


@given(st.lists(codes, min_size=1, max_size=3), st.data())
def test_living_rows_keep_their_values_and_no_other_value_is_kept(columns, data):
    table = ValueTable("abcde")
    living = [
        np.array(sorted(data.draw(st.sets(st.sampled_from(range(len(one)))))), np.int64)
        if one
        else np.empty(0, np.int64)
        for one in columns
    ]
    arrays = [np.array(one, np.int32) for one in columns]
    kept, new_columns = recoded(table, arrays, living)
    needed = set()
    for old, new, slots in zip(arrays, new_columns, living, strict=True):
        assert old.shape == new.shape
        for slot in slots.tolist():
            before = None if old[slot] == UNKNOWN else table[old[slot]]
            assert before == (None if new[slot] == UNKNOWN else kept[new[slot]])
            needed |= {before} - {None}
    assert set(kept.values()) == needed


def test_columns_that_older_views_hold_are_not_written_to():
    column = np.array([0, 1], np.int32)
    recoded(ValueTable("ab"), [column], [np.array([1])])
    assert column.tolist() == [0, 1]


def test_a_table_is_overgrown_beyond_twice_the_tracklets_and_a_little(monkeypatch):
    monkeypatch.setattr(recoding, "_SPARE_VALUES", 3)
    for values, overgrown in ((7, False), (8, True)):
        vocabulary = Vocabulary(attributes={"x": ValueTable(range(values))})
        assert is_overgrown(vocabulary, 2) is overgrown
