import numpy as np

from service.gallery.index.id_table import IdTable
from service.gallery.index.segment import id_hash


def table_of(*names, hashed=id_hash):
    """A table of rows from a snapshot; the location of each is its place."""
    return IdTable(
        np.array([hashed(name) for name in names], np.uint64), np.arange(len(names), dtype=np.int64)
    )


def test_a_row_of_a_snapshot_is_found_by_its_hash_whatever_the_order():
    names = [f"t{number}" for number in range(50)]
    table = table_of(*names)
    assert [table.candidates(name, id_hash(name)) for name in names] == [[n] for n in range(50)]
    assert table.candidates("nobody", id_hash("nobody")) == []


def test_ids_of_one_hash_are_all_candidates():
    table = table_of("a", "b", "c", hashed=lambda name: 7 if name != "b" else 2**64 - 1)
    assert sorted(table.candidates("a", 7)) == [0, 2]
    assert table.candidates("b", 2**64 - 1) == [1]


def test_what_was_written_since_comes_before_the_snapshot_until_it_is_dropped():
    table = table_of("a")
    table.move("a", 40)
    table.move("new", 41)
    assert table.candidates("a", id_hash("a")) == [40, 0]
    assert table.candidates("new", id_hash("new")) == [41]
    table.drop("a")
    table.drop("never there")
    # The snapshot's location stays: that its row is dead shows in the slot.
    assert table.candidates("a", id_hash("a")) == [0]
