import math

import pytest
from pydantic import ValidationError

from service.api import schemas
from service.api.schemas import (
    EmbedQuery,
    EnrollBody,
    MetadataBody,
    PageQuery,
    SearchBody,
    SearchOptionsBody,
)
from service.gallery import gallery


@pytest.mark.parametrize(
    "model", [EmbedQuery, EnrollBody, MetadataBody, PageQuery, SearchBody, SearchOptionsBody]
)
def test_unknown_keys_are_refused_everywhere(model):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate({"topk": 3})


@pytest.mark.parametrize(
    "raw",
    [
        '{"top_k": "5"}',
        '{"top_k": 0}',
        '{"top_k": 1.5}',
        '{"min_similarity": 1.1}',
        '{"min_similarity": NaN}',
        '{"group_by": "camera"}',
        '{"cameras": []}',
        '{"exclude_same_camera": 1}',
        '{"start": "2026-01-31T12:00:00"}',
    ],
)
def test_search_options_are_strict(raw):
    with pytest.raises(ValidationError):
        SearchOptionsBody.model_validate_json(raw)


def test_search_takes_exactly_one_query():
    for raw in ("{}", '{"embedding": [1], "tracklet_id": "a"}'):
        with pytest.raises(ValidationError, match="exactly one of `embedding` and `tracklet_id`"):
            SearchBody.model_validate_json(raw)
    assert SearchBody.model_validate_json('{"tracklet_id": "a"}').embedding is None


def test_attributes_keep_their_types():
    raw = '{"attributes": {"a": "x", "b": 1, "c": 1.5, "d": true}}'
    attributes = MetadataBody.model_validate_json(raw).attributes
    assert attributes == {"a": "x", "b": 1, "c": 1.5, "d": True}
    assert [type(value) for value in attributes.values()] == [str, int, float, bool]


@pytest.mark.parametrize(
    "attributes",
    [
        '{"a": null}',
        '{"a": [1]}',
        '{"a": {"b": 1}}',
        '{"a": NaN}',
        '{"": 1}',
        f'{{"{"k" * 65}": 1}}',
        f'{{"a": "{"x" * 1001}"}}',
        "{" + ", ".join(f'"{i}": 1' for i in range(33)) + "}",
    ],
)
def test_attributes_are_flat_and_bounded(attributes):
    with pytest.raises(ValidationError):
        MetadataBody.model_validate_json(f'{{"attributes": {attributes}}}')


def test_as_many_attributes_as_allowed_pass():
    attributes = "{" + ", ".join(f'"{"k" * 62}{i:02}": 1' for i in range(32)) + "}"
    body = MetadataBody.model_validate_json(f'{{"attributes": {attributes}}}')
    assert len(body.attributes) == 32


def test_an_embedding_with_nan_is_left_to_the_gallery():
    body = EnrollBody.model_validate_json('{"embedding": [NaN, 1]}')
    assert math.isnan(body.embedding[0])


@pytest.mark.parametrize("embedding", ["[true]", '["1"]', "[null]", "[[1]]", "1", "{}"])
def test_an_embedding_holds_numbers_only(embedding):
    with pytest.raises(ValidationError, match=r"finite numbers, or base64 of little-endian flo"):
        EnrollBody.model_validate_json(f'{{"embedding": {embedding}}}')


def test_the_query_string_is_read_from_text():
    query = PageQuery.model_validate({"limit": "5", "start": "60", "end": "1970-01-01T00:02:00Z"})
    assert (query.limit, query.start, query.end) == (5, 60.0, 120.0)


def test_the_default_gallery_is_the_one_that_exists_from_the_start():
    """Two constants, because the client must not load the gallery's index library."""
    assert schemas.DEFAULT_GALLERY == gallery.DEFAULT_GALLERY


@pytest.mark.parametrize(
    "raw",
    [
        '{"group_mode": "mean"}',
        '{"group_mode": "top-m", "group_by": "tracklet"}',
        '{"m": 4}',
        '{"m": 4, "group_by": "identity", "group_mode": "mean"}',
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(raw):
    with pytest.raises(ValidationError, match="only beside `group_"):
        SearchOptionsBody.model_validate_json(raw)


def test_options_written_out_with_their_defaults_are_the_same():
    whole = SearchOptionsBody().model_dump_json()
    assert SearchOptionsBody.model_validate_json(whole) == SearchOptionsBody()
