"""Index arithmetic of the official lists, in small and at full scale."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from training.data.mars_lists import read_mars_lists

ROOT = Path(__file__).parents[3]
PROTOCOLS = Path(os.environ.get("RESEARCH_DATA", ROOT.parent / "shared" / "data")) / "protocols"


def write(info, train=((1, 2, 1, 1),), test=((1, 3, -1, 1), (4, 4, 0, 2)), query=(2,)):
    savemat(info / "tracks_train_info.mat", {"track_train_info": np.array(train, np.int32)})
    savemat(info / "tracks_test_info.mat", {"track_test_info": np.array(test, np.int32)})
    savemat(info / "query_IDX.mat", {"query_IDX": np.array([query], np.uint16)})


def test_lines_count_from_one_and_the_last_is_included(tmp_path):
    write(tmp_path)
    lists = read_mars_lists(tmp_path)
    names = ["a", "b", "c", "d"]
    assert [names[row.start : row.stop] for row in lists.test] == [["a", "b", "c"], ["d"]]
    assert [(row.name, row.identity, row.camera) for row in lists.test] == [
        ("test-00001", -1, 1),
        ("test-00002", 0, 2),
    ]
    assert [row.name for row in lists.train] == ["train-00001"]


def test_queries_are_rows_counted_from_one(tmp_path):
    write(tmp_path, query=(2, 1))
    lists = read_mars_lists(tmp_path)
    assert lists.query_rows == (1, 0)
    assert [row.name for row in lists.query] == ["test-00002", "test-00001"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train": ((0, 2, 1, 1),)},
            r"lines from 1 up in .*train_info.mat, received \[0, 2, 1, 1]",
        ),
        ({"test": ((1, 2, 1, 1), (5, 4, 1, 1))}, r"received \[5, 4, 1, 1\] in row 2; copy it from"),
        ({"test": ((1, 2, -2, 1),)}, "identities from -1 and cameras from 1 up"),
        ({"test": ((1, 2, 1, 0),)}, "identities from -1 and cameras from 1 up"),
        ({"test": ((1, 2, 1),)}, r"expected 4 columns \(first, last, identity, camera\)"),
        ({"query": (0,)}, r"rows from 1 to 2 in .*query_IDX.mat, received \[0\] in row 1"),
        ({"query": (1, 3)}, r"rows from 1 to 2 in .*query_IDX.mat, received \[3\] in row 2"),
        ({"query": (2, 2)}, "every query once in .*query_IDX.mat, received repeats"),
    ],
)
def test_numbers_out_of_range_are_shown(changes, message, tmp_path):
    write(tmp_path, **changes)
    with pytest.raises(ValueError, match=message):
        read_mars_lists(tmp_path)


@pytest.mark.parametrize("name", ["tracks_train_info.mat", "tracks_test_info.mat", "query_IDX.mat"])
def test_a_missing_list_is_named(name, tmp_path):
    write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match=f"expected the list .*{name}, received no such file"):
        read_mars_lists(tmp_path)


@pytest.mark.research_data
@pytest.mark.skipif(not PROTOCOLS.is_dir(), reason=f"{PROTOCOLS} is absent")
def test_the_official_lists_have_the_published_counts():
    lists = read_mars_lists(PROTOCOLS)
    assert (len(lists.train), len(lists.test), len(lists.query)) == (8298, 12180, 1980)
    # Every line of both name lists belongs to one tracklet, and none is left over.
    for rows, lines in ((lists.train, 509_914), (lists.test, 681_089)):
        assert [row.start for row in rows] == [0, *(row.stop for row in rows[:-1])]
        assert rows[-1].stop == lines
    kinds = Counter(min(row.identity, 1) for row in lists.test)
    assert kinds == {-1: 870, 0: 3248, 1: 12180 - 870 - 3248}
    assert len({row.identity for row in lists.test if row.identity > 0}) == 634
    assert len({row.identity for row in lists.train}) == 625
    assert len({row.identity for row in lists.query}) == 626
    assert all(row.identity > 0 for row in lists.query)
    lengths = [row.stop - row.start for row in lists.train]
    assert (min(lengths), max(lengths)) == (5, 900)
