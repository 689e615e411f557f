from pathlib import Path

from training.data.data_set_layout import PublishedCounts
from training.data.part_counts import count_part, differing_measures, published_values
from training.data.tracklet import Tracklet


def tracklet(identity, camera, frames):
    return Tracklet(f"{identity}-{camera}", identity, camera, (Path("a.jpg"),) * frames)


def test_junk_and_distractors_are_tracklets_but_nobody():
    counts = count_part(
        [
            tracklet(-1, 1, 3),
            tracklet(0, 2, 1),
            tracklet(0, 2, 9),
            tracklet(5, 1, 2),
            tracklet(5, 3, 4),
            tracklet(7, None, 4),
        ]
    )
    assert counts.model_dump() == {
        "identities": 2,
        "tracklets": 6,
        "frames": 23,
        "cameras": 3,
        "junk": 1,
        "distractors": 2,
        "shortest": 1,
        "longest": 9,
        "without_camera": 1,
    }


def test_an_empty_part_counts_nothing():
    assert set(count_part([]).model_dump().values()) == {0}


def test_only_published_measures_are_compared():
    published = published_values(PublishedCounts(identities=1, frames=2, junk=0))
    assert published == {"identities": 1, "frames": 2, "junk": 0}
    found = count_part([tracklet(5, 1, 3)])
    assert differing_measures(found, published) == ("frames",)
    assert published_values(None) == {}
    assert differing_measures(found, {}) == ()
