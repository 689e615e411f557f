import httpx
import pytest

from service.api.lines_in import NDJSON
from tests.artifact_factory import DIMENSION
from tests.enrolled_lines import item, ndjson, read_lines

BULK = "/galleries/default/tracklets:bulk"
LINES = {"Content-Type": NDJSON}


def send(http: httpx.Client, content, path: str = BULK):
    answer = http.post(path, content=content, headers=LINES)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == NDJSON
    *lines, end = read_lines(answer.content)
    return lines, end


def ids(http: httpx.Client, gallery: str = "default") -> list[str]:
    found: list[str] = []
    asked: dict[str, str] = {}
    while True:
        page = http.get(f"/galleries/{gallery}/tracklets", params=asked).json()
        found += [tracklet["tracklet_id"] for tracklet in page["tracklets"]]
        if page["next_cursor"] is None:
            return found
        asked = {"cursor": page["next_cursor"]}


def test_each_line_is_answered_and_the_last_line_counts(http: httpx.Client):
    lines, end = send(http, ndjson(item("a"), item("b", 2), item("c", 3)))
    assert [(one["line"], one["tracklet_id"], one["outcome"]) for one in lines] == [
        (1, "a", "created"),
        (2, "b", "created"),
        (3, "c", "created"),
    ]
    assert {one["seq"] for one in lines} == {end["seq"]}
    assert all(one["visible"] and one["error"] is None for one in lines)
    assert end["done"] is True
    assert (end["received"], end["created"], end["replaced"], end["failed"]) == (3, 3, 0, 0)
    assert ids(http) == ["a", "b", "c"]


def test_lines_that_are_wrong_are_told_and_the_others_are_enrolled(http: httpx.Client):
    content = (
        ndjson(item("a"))
        + b"{\n\n"
        + ndjson(
            item(".."),
            {**item("z"), "embedding": [0.0] * DIMENSION},
            item("old", if_seq=5),
            item("deep", metadata={"x": 1}),
            item("b", 2),
        )
    )
    lines, end = send(http, content)
    assert [one["line"] for one in lines] == [1, 2, 4, 5, 6, 7, 8]
    codes = [one["error"] and one["error"]["code"] for one in lines]
    assert codes == [
        None,
        "malformed_request",
        "invalid_identifier",
        "invalid_embedding",
        "seq_conflict",
        "invalid_metadata",
        None,
    ]
    assert lines[2]["error"]["received"] == "'..'"
    assert (end["received"], end["created"], end["failed"]) == (7, 2, 5)
    assert ids(http) == ["a", "b"]


def test_nested_ten_thousand_deep_is_one_wrong_line(http: httpx.Client):
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"\n"
    lines, end = send(http, deep + ndjson(item("a")))
    assert lines[0]["error"]["code"] == "malformed_request"
    assert (end["created"], end["failed"]) == (1, 1)


def test_of_an_id_that_comes_twice_the_later_line_stays(http: httpx.Client):
    lines, end = send(http, ndjson(item("a", 1), item("b"), item("a", 2, camera="later")))
    assert [one["outcome"] for one in lines] == ["created", "created", "replaced"]
    assert lines[0]["seq"] < lines[2]["seq"]
    assert http.get("/galleries/default/tracklets/a").json()["camera"] == "later"
    assert (end["created"], end["replaced"]) == (2, 1)


def test_more_than_a_chunk_goes_through_in_any_pieces(http: httpx.Client):
    whole = ndjson(*(item(f"t{number:04}", number) for number in range(600)))

    def pieces():
        for start in range(0, len(whole), 7001):
            yield whole[start : start + 7001]

    lines, end = send(http, pieces())
    assert [one["line"] for one in lines] == list(range(1, 601))
    assert (end["received"], end["created"]) == (600, 600)
    assert len(ids(http)) == 600
    http.post("/galleries/default/tracklets:delete", json={"filter": {"and": []}})


def test_a_body_without_lines_enrolls_nothing(http: httpx.Client):
    lines, end = send(http, b"\n\n")
    assert lines == []
    assert (end["received"], end["seq"]) == (0, None)


def test_a_line_over_its_limit_ends_the_answer_after_the_lines_before(http: httpx.Client):
    content = ndjson(item("a")) + b"x" * (2**22 + 1)
    answer = http.post(BULK, content=content, headers=LINES)
    *lines, last = read_lines(answer.content)
    assert [one["outcome"] for one in lines] == ["created"]
    assert last["error"]["code"] == "body_too_large"
    assert last["error"]["request_id"] == answer.headers["X-Request-ID"]
    assert ids(http) == ["a"]


@pytest.mark.parametrize("path", [BULK, "/galleries/default/import"])
def test_lines_have_their_own_content_type(http: httpx.Client, path):
    answer = http.post(path, content=b"{}", headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (415, "unsupported_media_type")
    assert error["expected"] == "Content-Type application/x-ndjson"
    assert "one JSON object a line" in error["remedy"]
    nowhere = path.replace("default", "nowhere")
    answer = http.post(nowhere, content=ndjson(item("a")), headers=LINES)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "gallery_not_found")


def test_lines_go_to_the_gallery_that_the_alias_meant_when_they_began(http, client, station):
    other = f"{station}-2"
    client.galleries.create(other)
    client.galleries.point_alias("moving", station)

    def pieces():
        yield ndjson(*(item(f"t{number:03}") for number in range(256)))
        client.galleries.point_alias("moving", other)
        yield ndjson(item("last"))

    lines, end = send(http, pieces(), "/galleries/moving/tracklets:bulk")
    assert all(one["outcome"] == "created" for one in lines)
    assert len(ids(http, station)) == 257
    assert ids(http, other) == []
    assert end["gallery_id"] == client.galleries.describe(station).gallery_id
    client.galleries.drop(other)
