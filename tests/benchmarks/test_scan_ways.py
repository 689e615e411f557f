from benchmarks.scan_ways import BATCHES, SHARES, measure
from service.gallery.index.scan_plan import Way


def test_every_way_is_timed_for_every_batch_and_share():
    found = measure(400, 16, rounds=1)
    assert {(one.queries, one.share, one.way) for one in found} == {
        (queries, share, way.value) for queries in BATCHES for share in SHARES for way in Way
    }
    assert len(found) == len(BATCHES) * len(SHARES) * len(Way)
    assert min(one.row_ns for one in found) > 0
