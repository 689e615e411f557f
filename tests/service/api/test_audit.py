"""Over HTTP: everything that concerns a person leaves a line, and none leaves an embedding."""

import json
import time

import httpx
import pytest

from service.api.audit import cursor_at, position_of
from service.errors import InvalidQuery
from tests.enrolled_lines import item, ndjson
from tests.people import frames_of, parts_of

GALLERY = "/galleries/default"


@pytest.fixture
def http(http, running):
    """Plain HTTP that knows where the second port has the audit log."""
    http.audit_url = f"{running.admin_url}/audit"
    return http


def entries(http):
    found, cursor = [], None
    while True:
        page = http.get(http.audit_url, params={"cursor": cursor} if cursor else {}).json()
        found += page["entries"]
        if not page["entries"] or page["next_cursor"] == cursor:
            return found
        if all(entry["action"] == "read_audit" for entry in page["entries"]):
            return found
        cursor = page["next_cursor"]


def since(http, request_id):
    """Entries of one request; a search's come within a second."""
    for _ in range(100):
        found = [one for one in entries(http) if one["request_id"] == request_id]
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no entry of request {request_id}")


def enroll(http, name, identity="p1"):
    files = [*parts_of(frames_of("red")), ("metadata", (None, json.dumps({"identity": identity})))]
    assert http.put(f"{GALLERY}/tracklets/{name}", files=files).status_code in {200, 201}


def ask(http, method, path, name, **more):
    headers = {"X-Request-ID": name, "X-Purpose": f"why {name}"}
    answer = http.request(method, path, headers=headers, **more)
    assert answer.status_code < 300, answer.text
    return since(http, name)


def told(found):
    return [(one["action"], one["gallery"], one["subject"], one["count"]) for one in found]


def test_searches_name_whom_they_were_by_and_their_purpose(http: httpx.Client):
    enroll(http, "a")
    body = {"tracklet_id": "a", "gallery": "default"}
    found = ask(http, "POST", "/search", "by-id", json=body)
    assert told(found) == [("search", "default", "a", None)]
    assert found[0]["purpose"] == "why by-id"
    assert found[0]["actor"] == "127.0.0.1"
    assert found[0]["at"] == pytest.approx(time.time(), abs=60)
    found = ask(http, "POST", "/search", "by-frames", files=parts_of(frames_of("red")))
    assert told(found) == [("search", "default", None, None)]


def test_reading_an_embedding_is_an_entry_and_reading_without_is_none(http: httpx.Client):
    enroll(http, "a")
    http.get(f"{GALLERY}/tracklets/a", headers={"X-Request-ID": "plain"})
    found = ask(http, "GET", f"{GALLERY}/tracklets/a?embedding=true", "with-embedding")
    assert told(found) == [("read_embedding", "default", "a", None)]
    assert not [one for one in entries(http) if one["request_id"] == "plain"]


def test_deletions_erasures_exports_and_drops_are_entries_before_they_are_answered(http):
    for name in "abcd":
        enroll(http, name, identity=f"p{name}")
    assert told(ask(http, "DELETE", f"{GALLERY}/tracklets/a", "one")) == [
        ("delete", "default", "a", None)
    ]
    assert told(ask(http, "DELETE", f"{GALLERY}/identities/pb", "person")) == [
        ("delete", "default", "pb", None)
    ]
    assert told(ask(http, "DELETE", f"{GALLERY}/identities/pc?erase=true", "erased")) == [
        ("erase", "default", "pc", None)
    ]
    chosen = {"filter": {"equals": {"field": "identity", "value": "pd"}}}
    answer = http.post(
        f"{GALLERY}/tracklets:delete", json=chosen, headers={"X-Request-ID": "chosen"}
    )
    if answer.status_code == 200:
        assert told(since(http, "chosen")) == [("delete_by_filter", "default", None, None)]
    assert told(ask(http, "GET", f"{GALLERY}/export", "exported")) == [
        ("export", "default", None, None)
    ]
    assert http.post("/galleries", json={"name": "attic"}).status_code == 201
    assert told(ask(http, "DELETE", "/galleries/attic", "dropped")) == [
        ("drop", "attic", None, None)
    ]


def test_who_is_merged_into_whom_stands_there_by_name(http: httpx.Client):
    for name in "abc":
        enroll(http, name, identity=f"p{name}")
    body = {"identities": ["pa", "pb"], "into": "pc"}
    assert told(ask(http, "POST", f"{GALLERY}/identities:merge", "merged", json=body)) == [
        ("merge", "default", "pc", None),
        ("merge", "default", "pa", None),
        ("merge", "default", "pb", None),
        ("merge", "default", None, 2),
    ]
    body = {"identity": "pc", "to": "pd"}
    assert told(ask(http, "POST", f"{GALLERY}/identities:rename", "renamed", json=body)) == [
        ("rename", "default", "pc", None)
    ]


def test_pages_follow_each_other_and_the_last_cursor_sees_what_comes_later(http: httpx.Client):
    for number in range(3):
        ask(http, "GET", f"{GALLERY}/export", f"page-{number}")
    first = http.get(http.audit_url, params={"limit": 2}).json()
    second = http.get(http.audit_url, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert len(first["entries"]) == len(second["entries"]) == 2
    assert first["entries"] != second["entries"]
    refused = http.get(http.audit_url, params={"cursor": "nonsense"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_query")


def test_a_purpose_that_cannot_be_kept_is_refused_and_nothing_is_done(http: httpx.Client):
    enroll(http, "a")
    refused = http.delete(f"{GALLERY}/tracklets/a", headers={"X-Purpose": "x" * 201})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_input")
    assert http.get(f"{GALLERY}/tracklets/a").status_code == 200


@pytest.mark.parametrize("position", ["1", "17-0", "1699999999999-12"])
def test_a_cursor_gives_back_the_position_it_was_made_of(position):
    assert position_of(cursor_at(position)) == position


@pytest.mark.parametrize("cursor", ["", "x", "YXVkaXQv", cursor_at("1; DROP"), cursor_at("-1")])
def test_what_is_no_cursor_of_ours_is_refused(cursor):
    with pytest.raises(InvalidQuery, match="expected `cursor` as a page of the audit log gave it"):
        position_of(cursor)


def test_lines_that_enroll_leave_one_entry_that_counts_them(http: httpx.Client):
    headers = {"Content-Type": "application/x-ndjson", "X-Request-ID": "some-lines"}
    wrong = {**item("c"), "embedding": "###"}
    lines = ndjson(item("a"), item("b", 2), item("a", 3), wrong)
    assert http.post(f"{GALLERY}/tracklets:bulk", content=lines, headers=headers).is_success
    assert told(since(http, "some-lines")) == [("bulk", "default", None, 3)]
    exported = http.get(f"{GALLERY}/export").content
    headers["X-Request-ID"] = "brought-back"
    assert http.post(f"{GALLERY}/import", content=exported, headers=headers).is_success
    assert told(since(http, "brought-back")) == [("import", "default", None, 2)]


def test_lines_that_end_in_a_refusal_are_counted_too(http: httpx.Client):
    headers = {"Content-Type": "application/x-ndjson", "X-Request-ID": "too-long"}
    lines = ndjson(item("a")) + b"x" * (2**20 + 1)
    http.post(f"{GALLERY}/tracklets:bulk", content=lines, headers=headers)
    assert told(since(http, "too-long")) == [("bulk", "default", None, 1)]


def test_an_option_that_the_log_does_not_have_is_refused(http: httpx.Client):
    refused = http.get(http.audit_url, params={"min_seq": 1})
    assert refused.json()["error"]["received"] == "unknown key `min_seq`"
