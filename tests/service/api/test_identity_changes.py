import httpx
import pytest

from tests.enrolled_lines import item

IDENTITIES = "/galleries/default/identities"


@pytest.fixture
def people(http: httpx.Client) -> httpx.Client:
    """Tracklets a and b of `p`, c of `q`, d of nobody known."""
    of = (("a", "p"), ("b", "p"), ("c", "q"))
    enroll = [item(name, n, identity=who) for n, (name, who) in enumerate(of)]
    http.post("/galleries/default/tracklets:batch", json={"enroll": [*enroll, item("d", 9)]})
    return http


def counts(http: httpx.Client) -> dict[str, int]:
    listed = http.get(IDENTITIES).json()["identities"]
    return {one["identity"]: one["tracklets"] for one in listed}


def test_who_is_who_can_be_changed_in_every_way(people: httpx.Client):
    assert counts(people) == {"p": 2, "q": 1}
    for verb, body, moved, after in (
        ("rename", {"identity": "p", "to": "r"}, 2, {"q": 1, "r": 2}),
        ("merge", {"identities": ["q", "r"], "into": "s"}, 3, {"s": 3}),
        ("split", {"identity": "s", "tracklet_ids": ["a"], "to": "t"}, 1, {"s": 2, "t": 1}),
        ("reassign", {"tracklet_ids": ["b", "d"], "identity": "t"}, 2, {"s": 1, "t": 3}),
        ("reassign", {"tracklet_ids": ["c"], "identity": None}, 1, {"t": 3}),
    ):
        answer = people.post(f"{IDENTITIES}:{verb}", json=body)
        assert answer.json()["moved"] == moved, answer.text
        assert answer.headers["X-Gallery-Seq"] == str(answer.json()["seq"])
        assert counts(people) == after


@pytest.mark.parametrize(
    ("verb", "body", "status", "code"),
    [
        ("rename", {"identity": "x", "to": "y"}, 404, "identity_not_found"),
        ("rename", {"identity": "p", "to": "q"}, 409, "conflict"),
        ("rename", {"identity": "p", "to": "a/b"}, 422, "invalid_identifier"),
        ("merge", {"identities": [], "into": "s"}, 422, "invalid_input"),
        ("merge", {"identities": ["p"] * 1001, "into": "s"}, 422, "invalid_input"),
        ("split", {"identity": "p", "tracklet_ids": ["c"], "to": "t"}, 404, "tracklet_not_found"),
        ("reassign", {"tracklet_ids": ["x"], "identity": "q"}, 404, "tracklet_not_found"),
        ("reassign", {"tracklet_ids": ["a"]}, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_changed_is_said_and_nothing_is(people, verb, body, status, code):
    answer = people.post(f"{IDENTITIES}:{verb}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert counts(people) == {"p": 2, "q": 1}


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_identities_are_listed_in_pages(people: httpx.Client, limit):
    first = people.get(IDENTITIES, params={"limit": limit})
    names = [one["identity"] for one in first.json()["identities"]]
    cursor = first.json()["next_cursor"]
    while cursor is not None:
        page = people.get(IDENTITIES, params={"limit": limit, "cursor": cursor}).json()
        names += [one["identity"] for one in page["identities"]]
        cursor = page["next_cursor"]
    assert names == ["p", "q"]
    assert people.get(IDENTITIES, params={"limit": 51}).status_code == 422
