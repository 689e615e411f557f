import pytest

from service.gallery.ranking.exclusion import none_of
from service.gallery.records import TrackletMetadata


@pytest.mark.parametrize("count", [0, 1, 1000, 1001, 3001])
def test_every_one_of_many_is_left_out_and_nobody_else(count):
    names = [f"c{number}" for number in range(count)]
    tree = none_of("camera", names)
    for name in names[:2] + names[-2:]:
        assert not tree.matches("t", TrackletMetadata(camera=name))
    assert tree.matches("t", TrackletMetadata(camera="other"))
    assert tree.matches("t", TrackletMetadata())
