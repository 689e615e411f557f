from dataclasses import replace

import numpy as np
import pytest

from service.errors import InvalidEmbedding
from service.gallery.records import TrackletMetadata
from service.gallery.stores.enrolment import enrolled_body
from service.gallery.stores.protocol import GallerySpec
from service.gallery.stores.row_codec import pack_body
from tests.gallery_stores import MODEL, SPEC, unit, upsert

FORGETTING = GallerySpec(MODEL, retention_s=60.0)


def body(enrolled_s, **known):
    return pack_body("a", unit(1), TrackletMetadata(**known), enrolled_s=enrolled_s)


def test_it_is_enrolled_now_unless_the_change_says_when():
    assert enrolled_body(upsert("a", 1), SPEC, now_s=5.0) == body(5.0)
    assert enrolled_body(upsert("a", 1, enrolled_s=0.0), SPEC, now_s=5.0) == body(0.0)


def test_retention_counts_from_the_enrolment_and_yields_to_an_expiry_of_its_own():
    change = upsert("a", 1, identity="p")
    assert enrolled_body(change, SPEC, now_s=5.0) == body(5.0, identity="p")
    kept = enrolled_body(change, FORGETTING, now_s=5.0)
    assert kept == body(5.0, identity="p", expires_s=65.0)
    earlier = upsert("a", 1, enrolled_s=1.0)
    assert enrolled_body(earlier, FORGETTING, now_s=5.0) == body(1.0, expires_s=61.0)
    own = upsert("a", 1, expires_s=7.0)
    assert enrolled_body(own, FORGETTING, now_s=5.0) == body(5.0, expires_s=7.0)


@pytest.mark.parametrize("shape", [(31,), (33,), (1, 32), (0,), ()])
def test_an_embedding_of_another_shape_is_refused(shape):
    change = replace(upsert("a", 1), embedding=np.ones(shape, np.float32))
    with pytest.raises(InvalidEmbedding) as caught:
        enrolled_body(change, SPEC, now_s=5.0)
    assert caught.value.expected == "an embedding of the gallery's 32 dimensions"
    assert caught.value.received == f"shape {list(shape)}"
    assert caught.value.remedy == "send the embedding as the gallery's model answers it"
