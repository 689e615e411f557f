"""What a search over HTTP lets through, and what its answer says of itself."""

import json
import time

import httpx
import pytest

from tests.enrolled_lines import item, numbers

SEARCH = "/search"


@pytest.fixture
def filled(http: httpx.Client) -> httpx.Client:
    """Six tracklets of three identities, of two cameras, with a number each."""
    enroll = [
        {
            **item(f"t{n}", n, identity=f"p{n % 3}", camera=f"c{n % 2}"),
            "metadata": {
                "identity": f"p{n % 3}",
                "camera": f"c{n % 2}",
                "start": n * 10,
                "end": n * 10 + 5,
                "attributes": {"frames": n, "shift": "day" if n < 3 else "night"},
            },
        }
        for n in range(6)
    ]
    http.post("/galleries/default/tracklets:batch", json={"enroll": enroll})
    return http


def found(http: httpx.Client, **asked) -> set[str]:
    answer = http.post(SEARCH, json={"embedding": numbers(1), "top_k": 50, **asked})
    assert answer.status_code == 200, answer.text
    return {match["tracklet_id"] for match in answer.json()["matches"]}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"and": []}, {"t0", "t1", "t2", "t3", "t4", "t5"}),
        ({"or": []}, set()),
        ({"equals": {"field": "identity", "value": "p1"}}, {"t1", "t4"}),
        ({"in": {"field": "camera", "values": ["c1", "c9"]}}, {"t1", "t3", "t5"}),
        ({"not": {"equals": {"field": "attributes.shift", "value": "day"}}}, {"t3", "t4", "t5"}),
        ({"between": {"field": "attributes.frames", "from": 2, "to": 4}}, {"t2", "t3"}),
        ({"overlaps": {"start": 12, "end": 21}}, {"t1", "t2"}),
        ({"exists": {"field": "attributes.colour"}}, set()),
        ({"equals": {"field": "tracklet_id", "value": "t5"}}, {"t5"}),
    ],
)
def test_a_filter_lets_through_what_it_says_in_searches_and_lists(filled, asked, expected):
    assert found(filled, filter=asked) == expected
    listed = filled.get("/galleries/default/tracklets", params={"filter": json.dumps(asked)}).json()
    assert {one["tracklet_id"] for one in listed["tracklets"]} == expected


def test_rules_about_ids_cameras_and_time(filled):
    assert found(filled, exclude_ids=["t0", "t1"]) == {"t2", "t3", "t4", "t5"}
    assert len(found(filled, max_per_camera=1)) == 2
    topology = {"transits": [{"from_camera": "c0", "to_camera": "c1", "least_s": 4, "most_s": 6}]}
    asked = {"tracklet_id": "t0", "top_k": 50, "topology": topology}
    answer = filled.post(SEARCH, json=asked).json()
    assert "t1" in {match["tracklet_id"] for match in answer["matches"]}
    assert "t3" not in {match["tracklet_id"] for match in answer["matches"]}


def test_identities_are_grouped_and_the_answer_says_how_far_it_goes(filled):
    asked = {"embedding": numbers(1), "group_by": "identity", "top_k": 2, "group_mode": "mean"}
    answer = filled.post(SEARCH, json=asked).json()
    assert [match["tracklets"] for match in answer["matches"]] == [2, 2]
    assert (answer["exact"], answer["complete"], answer["tier"]) == (True, True, "exact")
    assert answer["truncated"] is True
    assert answer["searched"] == 6
    whole = filled.post(SEARCH, json={**asked, "top_k": 3, "rerank": True}).json()
    assert whole["truncated"] is False
    assert all(match["reranked"] is not None for match in whole["matches"])


def test_what_expires_is_found_until_then_and_by_nothing_after(http: httpx.Client):
    expires = time.time() + 2.5
    batch = {"enroll": [item("brief", 1, expires=expires), item("long", 1)]}
    http.post("/galleries/default/tracklets:batch", json=batch)
    assert found(http) == {"brief", "long"}
    time.sleep(max(0.0, expires - time.time()) + 1.0)
    assert found(http) == {"long"}
    assert http.get("/galleries/default/tracklets/brief").status_code == 404
    listed = http.get("/galleries/default/tracklets").json()["tracklets"]
    assert [one["tracklet_id"] for one in listed] == ["long"]
    asked = {"tracklet_id": "brief"}
    assert http.post(SEARCH, json=asked).json()["error"]["code"] == "tracklet_not_found"


@pytest.mark.parametrize("depth", [9, 100, 10_000])
def test_a_filter_that_is_too_deep_is_refused_and_never_a_crash(http: httpx.Client, depth):
    deep = '{"not":' * depth + '{"exists":{"field":"camera"}}' + "}" * depth
    body = f'{{"embedding": {numbers(1)}, "filter": {deep}}}'
    answer = http.post(SEARCH, content=body, headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) in {
        (422, "invalid_query"),
        (400, "malformed_request"),
    }
    if depth == 9:
        assert error["expected"] == "a filter of at most 8 levels"
    assert http.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"filter": {"equals": {"field": "colour", "value": 1}}}, "'colour'"),
        ({"filter": {"matches": 1}}, "unknown operator 'matches'"),
        ({"filter": []}, "a list of 0"),
        ({"top_k": 0}, "0"),
        ({"top_k": 10**9}, "1000000000"),
        ({"topology": {"transits": [{"from_camera": "a"}]}}, "nothing"),
        ({"topology": {"transits": []}}, "a query whose camera is not known"),
        ({"rerank": 3}, "3"),
        ({"group_mode": "median"}, "'median'"),
        ({"min_seq": -1}, "-1"),
    ],
)
def test_an_option_that_is_wrong_is_named(filled, asked, said):
    answer = filled.post(SEARCH, json={"embedding": numbers(1), **asked})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_query")
    assert error["received"] == said
