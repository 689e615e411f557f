import json

from hypothesis import given

from service.api.schemas import MetadataBody
from service.api.tracklet_wire import metadata_body, metadata_of, tracklet_answer
from service.gallery.records import TrackletMetadata
from tests.gallery_rows import embedding_of, metadatas, record_of


@given(metadatas)
def test_metadata_goes_over_the_wire_and_back(metadata):
    body = metadata_body(metadata)
    assert metadata_of(body) == metadata
    assert MetadataBody.model_validate(json.loads(body.model_dump_json())) == body


def test_an_answer_says_everything_but_the_embedding():
    known = TrackletMetadata("p", "c", 1.0, 2.0, {"a": True}, 9.0)
    answer = tracklet_answer(record_of("t", embedding_of(1), known, seq=7))
    assert answer.model_dump() == {
        "tracklet_id": "t",
        "identity": "p",
        "camera": "c",
        "start": 1.0,
        "end": 2.0,
        "attributes": {"a": True},
        "expires": 9.0,
        "seq": 7,
        "enrolled": 1.5,
        "embedding": None,
    }
