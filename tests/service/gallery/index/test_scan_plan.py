import numpy as np
import pytest

from service.gallery.filter_tree import EVERYTHING, All, Equals, Not
from service.gallery.index import scan_plan
from tests.indexed_rows import NOW_S, crowd, index_of

ONE_CAMERA = Equals("camera", ("c3",))
HALF = Equals("camera", ("c0", "c1", "c2", "c3", "c4"))
ONE_ROW = All((ONE_CAMERA, Equals("tracklet_id", ("t3",))))
NO_ROW = Equals("camera", ("nowhere",))


def test_the_plan_takes_every_way(small_blocks):
    view = index_of(crowd(600), segment_rows=(64, 256)).view
    taken = {}
    for chosen in (EVERYTHING, HALF, ONE_CAMERA, ONE_ROW):
        selection = view.select(chosen, now_s=NOW_S)
        for queries in (1, 64):
            units = scan_plan.plan_scan(view.parts, selection, queries=queries, k=5)
            assert sum(int(unit.mask.sum()) for unit in units) == selection.count
            taken[selection.count, queries] = {unit.way for unit in units}
    way = scan_plan.Way
    assert taken[600, 1] == taken[300, 1] == {way.FILTERED}
    assert taken[600, 64] == {way.WHOLE}
    assert taken[60, 1] == taken[1, 1] == {way.NAMED}
    assert taken[300, 64] == taken[60, 64] == {way.COPIED}


@pytest.mark.parametrize("chosen", [EVERYTHING, Not(ONE_CAMERA), HALF, ONE_CAMERA, ONE_ROW, NO_ROW])
@pytest.mark.parametrize("queries", [1, 2, 3, 64])
def test_every_selected_row_is_in_exactly_one_unit(small_blocks, chosen, queries):
    view = index_of(crowd(600), segment_rows=(64, 256)).view
    selection = view.select(chosen, now_s=NOW_S)
    rows = [
        unit.first_row + unit.start + np.flatnonzero(unit.mask)
        for unit in scan_plan.plan_scan(view.parts, selection, queries=queries, k=5)
    ]
    found = np.concatenate([np.empty(0, np.int64), *rows])
    assert found.tolist() == selection.rows().tolist()


def test_the_first_unit_is_small_and_can_hold_the_k_nearest(small_blocks):
    view = index_of(crowd(600), segment_rows=(600,)).view
    selection = view.select(EVERYTHING, now_s=NOW_S)
    for k, least in ((5, 16), (40, 80)):
        first, second, *_ = scan_plan.plan_scan(view.parts, selection, queries=64, k=k)
        assert least <= first.stop - first.start <= least + 1
        assert second.start == first.stop
