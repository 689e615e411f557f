import base64
import json

import httpx
import numpy as np
import pytest

from service.api.lines_in import NDJSON
from tests.artifact_factory import DIMENSION
from tests.enrolled_lines import item, ndjson, read_lines

LINES = {"Content-Type": NDJSON}


@pytest.fixture
def filled(http: httpx.Client) -> httpx.Client:
    """Three tracklets in the gallery `default`."""
    http.post(
        "/galleries/default/tracklets:batch",
        json={
            "enroll": [
                item("a", 1, identity="p", camera="c1"),
                item("b", 2, expires=9e9),
                item("é ת", 3),
            ]
        },
    )
    return http


def imported(http: httpx.Client, gallery: str, content: bytes):
    return http.post(f"/galleries/{gallery}/import", content=content, headers=LINES)


@pytest.mark.parametrize(("encoding", "dtype"), [("float16", "<f2"), ("float32", "<f4")])
def test_an_export_holds_everything_between_a_head_and_an_end(filled, encoding, dtype):
    answer = filled.get("/galleries/default/export", params={"encoding": encoding})
    assert answer.headers["content-type"] == NDJSON
    head, *lines, end = read_lines(answer.content)
    described = filled.get("/galleries/default").json()
    assert head["model"] == described["model"]
    assert (head["seq"], head["tracklets"], head["encoding"]) == (described["seq"], 3, encoding)
    assert head["gallery_id"] == described["gallery_id"]
    assert answer.headers["X-Gallery-Seq"] == str(described["seq"])
    assert end == {"end": True, "tracklets": 3}
    for line in lines:
        kept = filled.get(
            f"/galleries/default/tracklets/{line['tracklet_id']}", params={"embedding": "true"}
        ).json()
        raw = np.frombuffer(base64.b64decode(line["embedding"]), dtype).astype(np.float32)
        np.testing.assert_array_equal(raw, np.array(kept["embedding"], np.float32))
        assert len(raw) == DIMENSION
        assert (line["seq"], line["enrolled"]) == (kept["seq"], kept["enrolled"])
        for key, value in line["metadata"].items():
            assert kept[key] == value


@pytest.mark.parametrize("encoding", ["float16", "float32"])
def test_what_is_imported_is_what_was_exported(filled, station, encoding):
    sent = filled.get("/galleries/default/export", params={"encoding": encoding}).content
    for outcome in ("created", "replaced"):  # an interrupted import is repeated by id
        *lines, end = read_lines(imported(filled, station, sent).content)
        assert [one["outcome"] for one in lines] == [outcome] * 3
        assert (end["complete"], end["failed"]) == (True, 0)
    back = filled.get(f"/galleries/{station}/export", params={"encoding": encoding}).content

    def without_seq(content):
        return sorted(
            json.dumps({key: one[key] for key in one if key != "seq"})
            for one in read_lines(content)[1:-1]
        )

    assert without_seq(back) == without_seq(sent)


def test_an_export_can_be_filtered(filled):
    chosen = json.dumps({"equals": {"field": "camera", "value": "c1"}})
    answer = filled.get("/galleries/default/export", params={"filter": chosen})
    assert [line.get("tracklet_id") for line in read_lines(answer.content)] == [None, "a", None]
    wrong = filled.get("/galleries/default/export", params={"filter": "{"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "malformed_request")


def test_an_export_that_was_cut_short_is_imported_and_said_to_be_so(filled, station):
    sent = filled.get("/galleries/default/export").content
    *head, last, _ = sent.splitlines(keepends=True)
    for content, created in ((b"".join(head), 2), (b"".join(head) + last[:50], 0)):
        *lines, end = read_lines(imported(filled, station, content).content)
        assert end["complete"] is False
        assert end["created"] == created
    assert lines[-1]["error"]["code"] == "malformed_request"
    gap = sent.splitlines(keepends=True)
    del gap[2]
    *_, end = read_lines(imported(filled, station, b"".join(gap)).content)
    assert (end["complete"], end["failed"]) == (False, 0)


def test_an_export_of_another_model_is_refused_by_name(filled, station):
    head, *rest = read_lines(filled.get("/galleries/default/export").content)
    held = head["model"]
    for other in ({**held, "fingerprint": "e" * 64}, {**held, "dimension": 7}):
        answer = imported(filled, station, ndjson({**head, "model": other}, *rest))
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (409, "model_mismatch")
        assert held["fingerprint"] in error["expected"]
        assert f"model {other['fingerprint']}, dimension {other['dimension']}" in error["received"]
    assert filled.get(f"/galleries/{station}").json()["tracklets"] == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "invalid_input"), (b"{\n", "malformed_request"), (b"{}\n", "invalid_input")],
)
def test_without_its_head_nothing_is_imported(http, station, content, code):
    answer = imported(http, station, content)
    assert answer.status_code in {400, 422}
    assert answer.json()["error"]["code"] == code


def test_lines_that_are_none_of_an_export_are_told(filled, station):
    head, first, *_ = read_lines(filled.get("/galleries/default/export").content)
    wrong = (
        {**first, "embedding": "###"},
        {**first, "embedding": base64.b64encode(b"abc").decode()},
        {**first, "enrolled": "noon"},
        {**first, "tracklet_id": "a/b"},
        {key: first[key] for key in first if key != "enrolled"},
        {"end": True, "tracklets": "many"},
    )
    *lines, end = read_lines(imported(filled, station, ndjson(head, *wrong)).content)
    assert [one["error"]["code"] for one in lines] == [
        "invalid_embedding",
        "invalid_embedding",
        "invalid_input",
        "invalid_identifier",
        "invalid_input",
        "invalid_input",
    ]
    assert "base64 of little-endian float16, as the header says" in lines[0]["error"]["expected"]
    assert lines[1]["error"]["received"] == "base64 of 3 bytes"
    assert (end["created"], end["complete"]) == (0, False)
