import numpy as np
import pytest

from service.gallery.index.row_heads import read_heads
from service.gallery.records import TrackletMetadata
from tests.indexed_rows import index_of, vector


def head_of(**known):
    view = index_of({"t": (vector(1), TrackletMetadata(**known))}).view
    (head,) = read_heads(view.parts[0], np.array([0]), view.vocabulary)
    return head


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"start_s": 1.0},
        {"end_s": 1.0},
        {"start_s": 1.0, "end_s": 1.0},
        {"start_s": 0.0, "end_s": 2.5},
        {"expires_s": 7.0},
        {"identity": "p", "camera": "c", "attributes": {"x": True, "y": "", "z": -0.0}},
    ],
)
def test_what_was_not_known_stays_unknown_and_the_rest_is_as_it_was(known):
    assert repr(head_of(**known).metadata) == repr(TrackletMetadata(**known))


def test_attributes_of_a_head_cannot_be_changed():
    with pytest.raises(TypeError):
        head_of(attributes={"x": 1}).metadata.attributes["x"] = 2
