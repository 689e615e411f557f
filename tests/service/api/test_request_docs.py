import json

from service.api.request_docs import body_docs
from service.api.schemas import EnrollBody, MetadataBody


def test_multipart_alone_has_frames_alone():
    content = body_docs()["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]
    schema = content["multipart/form-data"]["schema"]
    assert list(schema["properties"]) == ["frames"]
    assert schema["required"] == ["frames"]


def test_both_forms_are_described_without_references():
    docs = body_docs(field="metadata", in_field=MetadataBody, as_json=EnrollBody)
    content = docs["requestBody"]["content"]
    form = content["multipart/form-data"]["schema"]["properties"]
    assert set(form["metadata"]["properties"]) == set(MetadataBody.model_fields)
    body = content["application/json"]["schema"]["properties"]
    assert set(body["metadata"]["properties"]) == set(MetadataBody.model_fields)
    assert "$ref" not in json.dumps(docs)
    assert "$defs" not in json.dumps(docs)
