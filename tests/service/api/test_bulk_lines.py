import numpy as np

from service.api.bulk_lines import ParsedLine, _of_different_ids
from service.gallery.enrolment import Enrolment
from service.gallery.records import TrackletMetadata
from service.gallery.stores.batch import MOST_CHANGES


def lines_of(*names):
    """Lines that enroll by these names; None is a line with an error."""
    return [
        ParsedLine(
            number,
            None if name is None else Enrolment(name, np.ones(2, np.float32), TrackletMetadata()),
        )
        for number, name in enumerate(names, start=1)
    ]


def runs_of(*names):
    return [[line.number for line in run] for run in _of_different_ids(lines_of(*names))]


def test_a_name_that_comes_again_begins_another_write():
    assert runs_of("a", "b", "a", "b", "a") == [[1, 2], [3, 4], [5]]


def test_lines_that_enroll_nothing_stay_in_their_place():
    assert runs_of("a", None, "b", None, "a") == [[1, 2, 3, 4], [5]]
    assert runs_of() == []


def test_no_write_is_larger_than_the_store_takes():
    names = [f"t{number}" for number in range(2 * MOST_CHANGES + 1)]
    runs = list(_of_different_ids(lines_of(*names)))
    assert [len(run) for run in runs] == [MOST_CHANGES, MOST_CHANGES, 1]
    assert [line.enrolment.tracklet_id for run in runs for line in run] == names
