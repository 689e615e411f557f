import httpx
import pytest

from service.api.schemas import WriteQuery
from service.api.write_conditions import seq_tag, write_conditions
from service.errors import InvalidInput
from tests.enrolled_lines import item, numbers
from tests.people import frames_of, parts_of

ONE = "/galleries/default/tracklets/a"


def conditions(if_seq=None, **headers):
    return write_conditions(WriteQuery(if_seq=if_seq), **headers)


def test_each_way_to_say_it_means_the_same():
    assert conditions(12).if_seq == 12
    assert conditions(if_match=seq_tag(12)).if_seq == 12
    assert conditions(if_match="12").if_seq == 12
    assert conditions(if_none_match="*").if_seq == conditions(0).if_seq == 0
    assert conditions(12, if_match='"12"').if_seq == 12
    assert conditions().if_seq is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"if_match": "*"}, "If-Match to be the ETag of one tracklet"),
        ({"if_match": '"a"'}, "If-Match to be the ETag of one tracklet"),
        ({"if_none_match": '"1"'}, r"If-None-Match to be \*"),
        ({"if_seq": 1, "if_match": '"2"'}, "one of if_seq, If-Match and If-None-Match"),
        ({"if_match": '"1"', "if_none_match": "*"}, "several that differ"),
        ({"idempotency_key": ""}, "1 to 128 printable ASCII"),
        ({"idempotency_key": "k" * 129}, "received 129 characters"),
        ({"idempotency_key": "a\nb"}, "printable ASCII"),
    ],
)
def test_what_cannot_be_meant_is_refused(said, message):
    with pytest.raises(InvalidInput, match=message):
        conditions(**said)


def test_the_digest_of_a_request_knows_its_parts_and_its_condition():
    key = conditions(idempotency_key="k").idempotency(b"ab", b"c")
    assert key == conditions(idempotency_key="k").idempotency(b"ab", b"c")
    others = (
        conditions(idempotency_key="k").idempotency(b"a", b"bc"),
        conditions(3, idempotency_key="k").idempotency(b"ab", b"c"),
    )
    assert all(other.request != key.request for other in others)
    assert conditions().idempotency(b"a") is None


def put(http: httpx.Client, seed: int = 1, **asked) -> httpx.Response:
    return http.put(ONE, json={"embedding": numbers(seed)}, **asked)


def test_a_tracklet_is_replaced_only_as_it_was_seen(http: httpx.Client):
    first = put(http, headers={"If-None-Match": "*"})
    assert first.status_code == 201
    refused = put(http, headers={"If-None-Match": "*"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "seq_conflict")
    tag = http.get(ONE).headers["ETag"]
    assert tag == f'"{first.json()["seq"]}"'
    assert put(http, 2, headers={"If-Match": tag}).status_code == 200
    assert put(http, 3, headers={"If-Match": tag}).status_code == 409
    assert put(http, 3, params={"if_seq": first.json()["seq"]}).status_code == 409
    assert http.delete(ONE, headers={"If-Match": tag}).status_code == 409
    assert http.delete(ONE, headers={"If-Match": http.get(ONE).headers["ETag"]}).status_code == 200
    assert put(http, params={"if_seq": "x"}).status_code == 422


def test_a_repeated_enrolment_is_answered_and_not_done_again(http: httpx.Client):
    headers = {"Idempotency-Key": "enroll a once"}
    first = put(http, headers=headers).json()
    assert http.delete(ONE).status_code == 200
    again = put(http, headers=headers)
    assert again.status_code == 201
    assert (again.json()["seq"], again.json()["repeated"]) == (first["seq"], True)
    assert http.get(ONE).status_code == 404
    other = put(http, 2, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")


def test_frames_repeated_under_a_key_are_the_same_request(http: httpx.Client):
    headers = {"Idempotency-Key": "frames once"}
    files = [*parts_of(frames_of("red")), ("metadata", (None, '{"camera": "c1"}'))]
    first = http.put(ONE, files=files, headers=headers).json()
    again = http.put(ONE, files=files, headers=headers).json()
    assert (again["seq"], again["repeated"], first["repeated"]) == (first["seq"], True, False)
    other = http.put(ONE, files=files[:-1], headers=headers)
    assert other.status_code == 409


def test_a_repeated_deletion_is_answered_and_not_done_again(http: httpx.Client):
    put(http)
    headers = {"Idempotency-Key": "delete a once"}
    first = http.delete(ONE, headers=headers).json()
    put(http)
    again = http.delete(ONE, headers=headers).json()
    assert (again["seq"], again["repeated"]) == (first["seq"], True)
    assert http.get(ONE).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        {"params": {"if_seq": 1}},
        {"headers": {"If-Match": '"1"'}},
        {"headers": {"If-None-Match": "*"}},
    ],
)
def test_a_condition_upon_a_whole_batch_is_refused_and_nothing_is_stored(http, said):
    refused = http.post("/galleries/default/tracklets:batch", json={"enroll": [item("a")]}, **said)
    assert refused.json()["error"]["message"] == (
        "expected `if_seq` in the body, beside the tracklet that it is of, received one for the "
        "whole batch; leave if_seq, If-Match and If-None-Match out of query string and headers"
    )
    assert http.get(ONE).status_code == 404
