import base64

import httpx
import pytest

from tests.enrolled_lines import item, ndjson
from tests.people import frames_of, parts_of
from tests.service.api.test_bulk import ids, send


def frames_item(name: str, person: str, **more: object) -> dict[str, object]:
    texts = [base64.b64encode(frame).decode() for frame in frames_of(person)]
    return {"tracklet_id": name, "frames": texts, **more}


def test_lines_with_frames_and_with_embeddings_are_enrolled_in_their_order(http: httpx.Client):
    content = ndjson(
        frames_item("a", "red", metadata={"camera": "entrance"}),
        item("b"),
        frames_item("c", "blue"),
        item("d"),
        frames_item("a", "blue", metadata={"camera": "stairs"}),
    )
    lines, end = send(http, content)
    assert [line["tracklet_id"] for line in lines] == ["a", "b", "c", "d", "a"]
    assert [line["outcome"] for line in lines] == [*["created"] * 4, "replaced"]
    used = {"received": 3, "used": 3, "rejected": []}
    assert [line["frames"] for line in lines] == [used, None, used, None, used]
    assert (end["created"], end["replaced"], end["failed"]) == (4, 1, 0)
    assert http.get("/galleries/default/tracklets/a").json()["camera"] == "stairs"


def test_frames_of_a_line_give_what_an_upload_gives(http: httpx.Client):
    send(http, ndjson(frames_item("line", "red")))
    http.put("/galleries/default/tracklets/upload", files=parts_of(frames_of("red")))
    options = {"query": (None, '{"top_k": 2}')}
    found = http.post("/search", files=[*parts_of(frames_of("red")), *options.items()]).json()
    assert [match["similarity"] for match in found["matches"]] == pytest.approx([1, 1], abs=1e-3)
    assert {match["tracklet_id"] for match in found["matches"]} == {"line", "upload"}


def test_of_a_line_with_frames_its_own_mistake_alone_is_told(http: httpx.Client):
    content = ndjson(
        frames_item("a", "red"),
        {"tracklet_id": "empty", "frames": []},
        {"tracklet_id": "broken", "frames": ["YQ=="]},
        {"tracklet_id": "text", "frames": ["???"]},
        frames_item("..", "red"),
        frames_item("old", "red", if_seq=7),
        {**frames_item("both", "red"), "embedding": [1.0]},
        {"tracklet_id": "neither"},
        frames_item("stated", "red", model="f" * 64),
        frames_item("b", "red", metadata={"x": 1}),
        frames_item("z", "green"),
    )
    lines, end = send(http, content)
    assert [line["error"] and line["error"]["code"] for line in lines] == [
        None,
        "no_readable_frame",
        "no_readable_frame",
        "invalid_input",
        "invalid_identifier",
        "seq_conflict",
        "invalid_input",
        "invalid_input",
        "invalid_input",
        "invalid_metadata",
        None,
    ]
    assert lines[2]["tracklet_id"] == "broken"
    assert lines[6]["error"]["expected"] == "exactly one of `embedding` and `frames`"
    assert lines[8]["error"]["expected"] == "`model` beside an `embedding` only"
    assert (end["created"], end["failed"]) == (2, 9)
    assert ids(http) == ["a", "z"]


def test_more_ready_lines_than_one_write_takes_wait_behind_one_with_frames(http: httpx.Client):
    content = ndjson(frames_item("first", "red"), *(item(f"t{i:03}", i + 1) for i in range(600)))
    lines, end = send(http, content)
    assert [line["line"] for line in lines] == list(range(1, 602))
    assert (end["created"], end["failed"]) == (601, 0)
