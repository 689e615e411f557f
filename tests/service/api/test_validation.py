import orjson
import pytest

from service.api.openai_schemas import EmbeddingsBody
from service.api.schemas import EnrollBody, MetadataBody, SearchBody, SearchOptionsBody
from service.api.validation import MOST_VALUES, parse_json
from service.errors import (
    BodyTooLarge,
    InvalidEmbedding,
    InvalidInput,
    InvalidMetadata,
    InvalidQuery,
    MalformedRequest,
    ReidError,
)


def refusal(model, raw: bytes, fault=InvalidQuery) -> ReidError:
    with pytest.raises(ReidError) as caught:
        parse_json(model, raw, fault=fault)
    return caught.value


def test_what_is_valid_comes_back_parsed():
    assert parse_json(SearchOptionsBody, b'{"top_k": 3}', fault=InvalidQuery).top_k == 3


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"nonsense", b'{"a": }', b"\xff\xfe{}", b"[" * 100_000, b'{"top_k": 1,}']
)
def test_bad_json_is_malformed_whatever_the_schema(raw):
    error = refusal(SearchOptionsBody, raw)
    assert type(error) is MalformedRequest
    assert error.expected == "a JSON object in UTF-8"
    assert error.remedy == "send well-formed JSON"


def test_json_of_another_kind_is_refused():
    error = refusal(SearchOptionsBody, b"[1]")
    assert type(error) is InvalidQuery
    assert error.received == "a list of 1"
    assert error.remedy == "/docs shows the schema"


@pytest.mark.parametrize(
    ("raw", "expected", "received"),
    [
        (b'{"top_k": 0}', "`top_k` to be greater than or equal to 1", "0"),
        (b'{"top_k": null}', "`top_k` to be a valid integer", "null"),
        (b'{"group_by": "camera"}', "`group_by` to be 'tracklet' or 'identity'", "'camera'"),
        (b'{"cameras": {"a": 1}}', "`cameras` to be a valid array", "an object with 1 keys"),
        (b'{"camera": true}', "`camera` to be a valid string", "true"),
        (b'{"cameras": []}', "`cameras` to be at least 1 entries long", "a list of 0"),
        (
            b'{"exclude_ids": [%s"a"]}' % (b'"a",' * 1000),
            "`exclude_ids` to be at most 1000 entries long",
            "a list of 1001",
        ),
        (b'{"camera": 5, "top_k": 0}', "`top_k` to be", "0 (1 more findings)"),
    ],
)
def test_a_wrong_field_says_name_expectation_and_value(raw, expected, received):
    error = refusal(SearchOptionsBody, raw)
    assert type(error) is InvalidQuery
    assert expected in error.expected
    assert error.received == received
    assert "/docs shows the schema" in error.remedy


def test_long_text_is_not_echoed():
    error = refusal(SearchOptionsBody, b'{"group_by": "%s"}' % (b"x" * 100))
    assert error.received == "text of 100 characters"


def test_an_unknown_key_is_named_with_the_nearest_known_one():
    error = refusal(SearchOptionsBody, b'{"topk": 1}')
    assert error.received == "unknown key `topk`"
    assert error.remedy == "did you mean `top_k`?"
    assert refusal(SearchOptionsBody, b'{"zzz": 1}').remedy.startswith("leave it out")


def test_nested_fields_have_their_own_error_and_path():
    error = refusal(EnrollBody, b'{"embedding": [1], "metadata": {"camra": "a"}}', InvalidInput)
    assert type(error) is InvalidMetadata
    assert error.received == "unknown key `metadata.camra`"
    assert error.remedy == "did you mean `camera`?"

    error = refusal(EnrollBody, b'{"embedding": [1, null]}', InvalidInput)
    assert type(error) is InvalidEmbedding
    assert "position 1 is not a number" in error.expected
    assert error.received == "a list of 2"


def test_a_missing_field_is_named():
    error = refusal(EnrollBody, b"{}", InvalidInput)
    assert error.expected == "`embedding` to be present"
    assert error.received == "nothing"


def test_a_rule_over_two_fields_says_so():
    error = refusal(SearchBody, b"{}")
    assert error.expected == "exactly one of `embedding` and `tracklet_id`"


def test_a_wrong_attribute_is_named_with_its_path():
    error = refusal(MetadataBody, b'{"attributes": {"shift": [1]}}', InvalidMetadata)
    assert "`attributes.shift` to be text of at most 1000 characters" in error.expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "`metadata.attributes.` to be at least 1 characters long"),
        ("x" * 1000, f"`metadata.attributes.{'x' * 60}` to be at most 64 characters long"),
        ("a\0b", "`metadata.attributes.a\0b` to be a name of printable characters"),
    ],
)
def test_the_name_of_an_attribute_is_short_and_printable(name, expected):
    raw = orjson.dumps({"embedding": [1], "metadata": {"attributes": {name: 1}}})
    assert refusal(EnrollBody, raw, InvalidInput).expected == expected


def test_json_of_more_values_than_can_be_read_meanwhile_is_refused_unread():
    raw = b'{"input":[%s[]]}' % (b"[]," * MOST_VALUES)
    error = refusal(EmbeddingsBody, raw, fault=InvalidInput)
    assert type(error) is BodyTooLarge
    assert str(error) == (
        "expected JSON of at most 250000 values, received 250000 commas; "
        "send less at a time, or numbers in binary"
    )
    with pytest.raises(BodyTooLarge, match="at most 3 values, received 3 commas"):
        parse_json(SearchBody, b"[1,2,3,4]", fault=InvalidQuery, most_values=3)


def test_findings_are_counted_and_not_told_where_there_are_thousands():
    raw = b"{%s}" % b",".join(b'"k%d":1' % place for place in range(1002))
    error = refusal(SearchBody, raw)
    assert type(error) is InvalidQuery
    assert str(error) == (
        "expected JSON of the schema, received 1002 findings; /docs shows the schema"
    )
