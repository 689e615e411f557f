import json

import pytest

from service.api.dependencies import FRAME_BODIES
from service.api.gallery_answers import BulkEndAnswer, LineAnswer
from service.api.gallery_schemas import (
    BatchBody,
    BatchItem,
    CreateGalleryBody,
    DeleteChosenBody,
    ExportLine,
    SplitBody,
)
from service.api.request_docs import body_docs, json_docs, line_answers, lines_docs
from service.api.schemas import EnrollBody, MetadataBody, SearchBody, SearchOptionsBody


def test_every_body_that_carries_frames_is_described():
    docs = body_docs()
    content = docs["requestBody"]["content"]
    assert tuple(content) == FRAME_BODIES
    form = content["multipart/form-data"]["schema"]
    assert list(form["properties"]) == ["frames", "video"]
    assert form["oneOf"] == [{"required": ["frames"]}, {"required": ["video"]}]
    packed = content["application/msgpack"]["schema"]
    assert list(packed["properties"]) == ["frames", "pixels", "shape", "video"]
    assert {"required": ["pixels", "shape"]} in packed["oneOf"]
    assert [header["name"] for header in docs["parameters"]] == ["X-Tracklet-Shape"]


def test_both_forms_are_described_without_references():
    docs = body_docs(field="metadata", in_field=MetadataBody, as_json=EnrollBody)
    assert [header["name"] for header in docs["parameters"]] == [
        "X-Tracklet-Shape",
        "X-Tracklet-Metadata",
    ]
    content = docs["requestBody"]["content"]
    form = content["multipart/form-data"]["schema"]["properties"]
    assert set(form["metadata"]["properties"]) == set(MetadataBody.model_fields)
    body = content["application/json"]["schema"]["properties"]
    assert set(body["metadata"]["properties"]) == set(MetadataBody.model_fields)
    assert "$ref" not in json.dumps(docs)
    assert "$defs" not in json.dumps(docs)


@pytest.mark.parametrize(
    "body",
    [SearchBody, BatchBody, BatchItem, CreateGalleryBody, SplitBody, DeleteChosenBody, ExportLine],
)
def test_every_body_is_described_whole(body):
    for docs, media_type in (
        (json_docs(body), "application/json"),
        (lines_docs(body), "application/x-ndjson"),
    ):
        (content,) = docs["requestBody"]["content"].items()
        assert content[0] == media_type
        assert set(content[1]["schema"]["properties"]) == set(body.model_fields)
        assert "$ref" not in json.dumps(docs)


def test_an_answer_of_lines_says_what_they_are_and_what_the_last_one_is():
    answers = line_answers(LineAnswer, BulkEndAnswer)
    assert list(answers) == [200]
    schema = answers[200]["content"]["application/x-ndjson"]["schema"]
    fields = [set(one["properties"]) for one in schema["anyOf"]]
    assert fields == [set(LineAnswer.model_fields), set(BulkEndAnswer.model_fields)]
    assert "$ref" not in json.dumps(answers)


def test_a_search_shows_what_topology_and_re_ranking_are_made_of():
    shown = json.dumps(body_docs(field="query", in_field=SearchOptionsBody, as_json=SearchBody))
    for key in ("from_camera", "least_s", "k1", "original"):
        assert f'"{key}"' in shown
    assert "$ref" not in shown
