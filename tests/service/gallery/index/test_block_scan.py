import numpy as np
import pytest

from service.errors import ReidError
from service.gallery.filter_tree import EVERYTHING, Equals
from service.gallery.index import block_scan as module
from service.gallery.index.block_scan import above, block_scan, fill_named
from service.gallery.index.scan_plan import plan_scan
from tests.indexed_rows import NOW_S, crowd, index_of, vector

HALF = Equals("camera", ("c0", "c1", "c2", "c3", "c4"))
ONE_CAMERA = Equals("camera", ("c3",))


def vectors_of(count):
    return np.array([vector(number) for number in range(count)])


def test_above_a_floor_are_the_masked_ones_that_are_more_similar():
    vectors, query = vectors_of(100), vector(200)
    mask = np.arange(100) % 3 == 0
    similarities = vectors.astype(float) @ query.astype(float)
    slots, found = above(vectors, query, 0.1, mask)
    assert sorted(slots.tolist()) == np.flatnonzero(mask & (similarities > 0.1)).tolist()
    assert np.allclose(found, similarities[slots], atol=1e-6)
    assert [len(one) for one in above(vectors, query, 2.0, mask)] == [0, 0]
    assert [len(one) for one in above(vectors, query, -2.0, np.zeros(100, np.bool_))] == [0, 0]


def test_named_are_those_in_the_slots_and_nothing_beyond_is_written():
    vectors, query = vectors_of(100), vector(200)
    slots, found = np.array([99, 0, 41, 41]), np.full(5, 7, np.float32)
    fill_named(vectors, query, slots, out=found[:4])
    expected = vectors[slots].astype(float) @ query.astype(float)
    assert np.allclose(found, [*expected, 7], atol=1e-6)


def test_rows_that_the_mask_forbids_are_found_out(monkeypatch):
    everybody = module.faiss.IDSelectorAll()
    monkeypatch.setattr(module.faiss, "IDSelectorBitmap", lambda *_: everybody)
    with pytest.raises(ReidError, match="only rows that pass the filter.*received 50 others of"):
        above(vectors_of(100), vector(200), -2.0, np.arange(100) % 2 == 0)


@pytest.mark.parametrize("chosen", [EVERYTHING, HALF, ONE_CAMERA])
@pytest.mark.parametrize("batch", [1, 3])
def test_all_of_a_unit_are_its_selected_rows_in_order(small_blocks, chosen, batch):
    view = index_of(crowd(300), segment_rows=(64, 256)).view
    selection = view.select(chosen, now_s=NOW_S)
    queries = np.array([vector(100 + number) for number in range(batch)])
    with block_scan(queries) as scan:
        for unit in plan_scan(view.parts, selection, queries=batch, k=5):
            rows = unit.first_row + unit.start + np.flatnonzero(unit.mask)
            expected = queries.astype(float) @ view.embeddings(rows).astype(float).T
            assert np.allclose(scan.all_of(unit), expected, atol=1e-6)
