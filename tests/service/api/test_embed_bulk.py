import base64
import json
import socket
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from service.api.lines_in import NDJSON
from tests.enrolled_lines import ndjson, read_lines
from tests.live_service import live_service
from tests.people import frames_of, parts_of

BULK = "/embed:bulk"
LINES = {"Content-Type": NDJSON}


def texts_of(person: str, **more) -> list[str]:
    return [base64.b64encode(frame).decode() for frame in frames_of(person, **more)]


def send(http: httpx.Client, content, **options):
    answer = http.post(BULK, content=content, headers=LINES, **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == NDJSON
    *lines, end = read_lines(answer.content)
    return lines, end


def test_each_line_gives_what_embed_gives_in_the_order_of_the_lines(http: httpx.Client):
    people = ["red", "blue", "green"] * 4
    content = ndjson(
        *({"tracklet_id": f"t{i}", "frames": texts_of(one)} for i, one in enumerate(people))
    )
    lines, end = send(http, content)
    assert [line["line"] for line in lines] == list(range(1, 13))
    assert [line["tracklet_id"] for line in lines] == [f"t{i}" for i in range(12)]
    for one, line in zip(people, lines, strict=True):
        alone = http.post("/embed", files=parts_of(frames_of(one))).json()
        np.testing.assert_allclose(line["embedding"], alone["embedding"], atol=1e-6)
        assert line["model"] == alone["model"]["fingerprint"]
        assert line["frames"] == {"received": 3, "used": 3, "rejected": []}
        assert line["error"] is None
    assert end == {"done": True, "received": 12, "embedded": 12, "failed": 0}
    assert http.get("/readyz").json()["tracklets"] == 0


def test_base64_holds_the_same_numbers(http: httpx.Client):
    content = ndjson({"frames": texts_of("red")})
    (numbers,), _ = send(http, content)
    (coded,), _ = send(http, content, params={"encoding": "base64"})
    raw = np.frombuffer(base64.b64decode(coded["embedding"]), "<f4")
    np.testing.assert_array_equal(raw, np.array(numbers["embedding"], np.float32))


def test_lines_that_are_wrong_are_told_and_the_others_are_embedded(http: httpx.Client):
    good = {"frames": texts_of("red")}
    wrong = [
        (b"{", "malformed_request"),
        ({"tracklet_id": "a"}, "invalid_input"),
        ({"frames": []}, "no_readable_frame"),
        ({"frames": ["###"]}, "invalid_input"),
        ({"frames": ["YQ=="]}, "no_readable_frame"),
        ({"frames": texts_of("red", count=1) * 21}, "too_many_frames"),
        ({"frames": ["http://localhost/a.jpg"]}, "invalid_input"),
        ({**good, "embedding": [1.0]}, "invalid_embedding"),
        ({**good, "tracklet_id": "x" * 257}, "invalid_input"),
    ]
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line, _ in wrong]
    content = ndjson(good) + b"".join(line + b"\n" for line in raw) + ndjson(good)
    lines, end = send(http, content)
    codes = [line["error"] and line["error"]["code"] for line in lines]
    assert codes == [None, *(code for _, code in wrong), None]
    assert [line["line"] for line in lines] == list(range(1, len(wrong) + 3))
    assert (end["received"], end["embedded"], end["failed"]) == (11, 2, 9)


def test_a_line_may_be_longer_than_other_json_but_has_its_own_limit(http: httpx.Client):
    padded = ndjson({"frames": texts_of("red"), "tracklet_id": None})[:-2] + b" " * 2**21 + b"}\n"
    answer = http.post(BULK, content=padded + b"x" * (2**22 + 1), headers=LINES)
    first, last = read_lines(answer.content)
    assert first["error"] is None
    assert last["error"]["code"] == "body_too_large"
    assert last["error"]["expected"] == f"lines of at most {2**22} bytes"


def test_another_type_is_refused(http: httpx.Client):
    error = http.post(BULK, json={"frames": []}).json()["error"]
    assert (error["code"], error["expected"]) == (
        "unsupported_media_type",
        "Content-Type application/x-ndjson",
    )


def test_each_line_has_the_time_that_the_header_says(http: httpx.Client):
    content = ndjson({"tracklet_id": "a", "frames": texts_of("red")})
    answer = http.post(BULK, content=content, headers={**LINES, "X-Timeout-S": "0.00001"})
    line, end = read_lines(answer.content)
    assert (line["tracklet_id"], line["error"]["code"]) == ("a", "deadline_exceeded")
    assert end["failed"] == 1
    answer = http.post(BULK, content=content, headers={**LINES, "X-Priority": "first"})
    assert answer.json()["error"]["expected"] == "`x-priority` to be 'interactive' or 'bulk'"


def test_a_line_is_answered_before_the_next_is_sent(running):
    where = urlsplit(running.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(
            b"POST /embed:bulk HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-ndjson\r\n\r\n"
        )
        answers = connection.makefile("rb")
        for place in range(3):
            line = ndjson({"tracklet_id": f"t{place}", "frames": texts_of("red")})
            connection.sendall(b"%x\r\n%b\r\n" % (len(line), line))
            while not (came := answers.readline()).startswith(b'{"line"'):
                assert came, "the connection was closed"
            assert json.loads(came)["tracklet_id"] == f"t{place}"
        connection.sendall(b"0\r\n\r\n")
        while not (came := answers.readline()).startswith(b'{"done"'):
            assert came, "the connection was closed"
        assert json.loads(came)["embedded"] == 3


@pytest.mark.parametrize("width", ["1", "3"])
def test_many_lines_go_through_a_service_that_can_hold_few_frames(artifact_dir, tmp_path, width):
    """They wait for their turn in place of being refused."""
    settings = {
        "REID_MAX_FRAMES": "8",
        "REID_MAX_QUEUE_FRAMES": "8",
        "REID_BULK_TRACKLETS": width,
    }
    content = ndjson(*({"frames": texts_of("red", count=6)} for _ in range(12)))
    with (
        live_service(artifact_dir, tmp_path, settings=settings) as service,
        httpx.Client(base_url=service.url, timeout=60) as http,
    ):
        _, end = send(http, content)
    assert (end["embedded"], end["failed"]) == (12, 0)
