"""Every bad input over a real socket: its own error, nothing stored, the service goes on."""

import io
import json
import socket
import struct
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.artifact_factory import write_tiny_artifact
from tests.live_service import LiveService, live_service
from tests.people import frames_of, parts_of

ONE = "/galleries/default/tracklets/a"
MAX_BODY_BYTES = 4 * 2**20


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[LiveService]:
    artifact = tmp_path_factory.mktemp("artifact")
    write_tiny_artifact(artifact)
    limits = {"REID_MAX_BODY_BYTES": str(MAX_BODY_BYTES), "REID_MAX_FRAMES": "256"}
    with live_service(artifact, tmp_path_factory.mktemp("data"), settings=limits) as running:
        yield running


@pytest.fixture
def http(service: LiveService) -> Iterator[httpx.Client]:
    """After the test the service must be ready, empty, and as large as it was."""
    with httpx.Client(base_url=service.url, timeout=30) as client:
        client.post("/embed", files=parts_of(frames_of("red")))
        yield client
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["tracklets"]) == (200, 0)
        assert client.post("/embed", files=parts_of(frames_of("red"))).status_code == 200
        assert not [line for line in service.lines if "exception" in line]


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    for key in ("message", "expected", "received", "remedy", "request_id"):
        assert error[key], key
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert len(answer.content) < 5000
    return error


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 128), (200, 30, 30)).save(stream, "JPEG")
    return stream.getvalue()


def png_bomb(side: int) -> bytes:
    """A small, valid PNG of side x side black pixels, one bit each."""

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + crc

    packer = zlib.compressobj(9)
    rows = bytes(1 + (side + 7) // 8)
    pixels = b"".join(packer.compress(rows) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/embed"), ("PUT", ONE), ("POST", "/search")]
)
def test_an_empty_body(http, method, path):
    refused(http.request(method, path), 415, "unsupported_media_type")
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    refused(http.request(method, path, headers=multipart), 400, "malformed_request")
    if path != "/embed":
        as_json = {"Content-Type": "application/json"}
        refused(http.request(method, path, headers=as_json), 400, "malformed_request")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"hello, I am a text\n" * 20, "expected JPEG, PNG, WEBP data"),
        (jpeg()[:300], "300 bytes that end inside the header"),
        (jpeg()[:-100], "expected a whole JPEG picture of 64 x 128 px"),
        (b"", "expected a picture, received 0 bytes"),
        (b"GIF89a" + bytes(100), "received GIF data"),
        (b"%PDF-1.7 " + bytes(100), "expected JPEG, PNG, WEBP data"),
    ],
    ids=[
        "text named .jpg",
        "JPEG cut in its header",
        "JPEG cut in its pixels",
        "no bytes",
        "GIF",
        "PDF",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/embed"), ("PUT", ONE), ("POST", "/search")]
)
def test_a_file_that_is_no_readable_picture(http, method, path, frame, reason):
    files = [("frames", ("000.jpg", frame, "image/jpeg"))]
    error = refused(http.request(method, path, files=files), 422, "no_readable_frame")
    assert reason in error["received"]


def test_a_png_of_50000_by_50000_pixels_costs_no_memory(service, http):
    bomb = png_bomb(50_000)
    assert len(bomb) < 2 * 2**20
    before = service.resident_bytes()
    error = refused(http.put(ONE, files=[("frames", ("000.png", bomb))]), 422, "no_readable_frame")
    assert "50000 x 50000 px" in error["received"]
    assert service.resident_bytes() - before < 20 * 2**20


def test_ten_thousand_frames(service, http):
    tiny = [("frames", (str(i), b"x")) for i in range(10_000)]
    before = service.resident_bytes()
    error = refused(http.put(ONE, files=tiny), 422, "too_many_frames")
    assert error["expected"] == "at most 256 frames"
    assert service.resident_bytes() - before < 20 * 2**20


def test_a_body_over_the_limit_that_says_so(http):
    error = refused(
        http.put(ONE, files=[("frames", ("0", bytes(MAX_BODY_BYTES)))]), 413, "body_too_large"
    )
    assert error["expected"] == f"at most {MAX_BODY_BYTES} bytes"


def test_a_body_over_the_limit_that_hides_its_length(http):
    request = httpx.Request("PUT", "http://x", files=[("frames", ("0", bytes(MAX_BODY_BYTES)))])
    whole = request.read()
    pieces = (whole[i : i + 65536] for i in range(0, len(whole), 65536))
    headers = {"Content-Type": request.headers["Content-Type"]}
    refused(http.put(ONE, content=pieces, headers=headers), 413, "body_too_large")


@pytest.mark.parametrize("dimension", [1, 19, 21, 5000])
def test_an_embedding_of_the_wrong_dimension(http, dimension):
    body = {"embedding": [0.1] * dimension}
    for answer in (http.put(ONE, json=body), http.post("/search", json=body)):
        error = refused(answer, 422, "invalid_embedding")
        assert "20" in error["expected"]
        assert str(dimension) in error["received"]


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e999", "null", '"1"', "true", "[1]", "1e39"]
)
def test_an_embedding_with_a_value_that_is_no_finite_number(http, value):
    body = f'{{"embedding": [{", ".join(["0.1"] * 19 + [value])}]}}'
    headers = {"Content-Type": "application/json"}
    for method, path in (("PUT", ONE), ("POST", "/search")):
        answer = http.request(method, path, content=body, headers=headers)
        refused(answer, 422, "invalid_embedding")


def test_an_embedding_without_length_or_with_nan_in_base64(http):
    refused(http.put(ONE, json={"embedding": [0.0] * 20}), 422, "invalid_embedding")
    refused(http.put(ONE, json={"embedding": []}), 422, "invalid_embedding")
    refused(http.put(ONE, json={"embedding": "AADAfw=="}), 422, "invalid_embedding")
    refused(http.put(ONE, json={"embedding": "no base64"}), 422, "invalid_embedding")


def test_unknown_ids(http):
    refused(http.get(ONE), 404, "tracklet_not_found")
    refused(http.delete(ONE), 404, "tracklet_not_found")
    refused(http.post("/search", json={"tracklet_id": "a"}), 404, "tracklet_not_found")
    refused(http.delete("/galleries/default/identities/a"), 404, "identity_not_found")
    refused(http.get("/galleries/other/tracklets"), 404, "gallery_not_found")
    refused(http.get("/no/such/path"), 404, "not_found")
    refused(http.get("/embed"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "body", [b"{", b"[1,", b"nonsense", b"\xff\xfe", b'{"a": }', b"[" * 500_000, b'{"embedding"']
)
def test_bad_json(http, body):
    headers = {"Content-Type": "application/json"}
    for method, path in (("PUT", ONE), ("POST", "/search")):
        answer = http.request(method, path, content=body, headers=headers)
        refused(answer, 400, "malformed_request")


def test_bad_json_beside_frames(http):
    parts = parts_of(frames_of("red"))
    for method, path, field in (("PUT", ONE, "metadata"), ("POST", "/search", "query")):
        files = [*parts, (field, (None, "{"))]
        refused(http.request(method, path, files=files), 400, "malformed_request")


def test_wrong_metadata_beside_good_frames(http):
    for metadata in (
        {"identity": 7},
        {"identity": "a\x00b"},
        {"camera": ""},
        {"start": 20, "end": 10},
        {"start": "2026-01-31T12:00:00"},
        {"attributes": {"a": [1]}},
        {"unknown": 1},
    ):
        files = [*parts_of(frames_of("red")), ("metadata", (None, json.dumps(metadata)))]
        answer = http.put(ONE, files=files)
        assert answer.status_code == 422, metadata
        assert answer.json()["error"]["code"] in {"invalid_metadata", "invalid_identifier"}


def test_ids_that_reach_for_something_else(http):
    for tracklet_id in ("..%2F..%2Fetc%2Fpasswd", "a%1Fb", "%00", "x" * 5000):
        answer = http.put(f"/galleries/default/tracklets/{tracklet_id}", files=parts_of([jpeg()]))
        refused(answer, 422, "invalid_identifier")
    refused(http.get("/galleries/default/tracklets/a%0Ab"), 404, "not_found")
    quoted = "%27%3B%20DROP%20TABLE%20tracklet%3B--"
    refused(http.get(f"/galleries/default/tracklets/{quoted}"), 404, "tracklet_not_found")


def test_requests_that_are_not_http_or_end_early(service, http):
    where = urlsplit(service.url)
    address = (where.hostname, where.port)
    for raw in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n",
        b"PUT " + ONE.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    ):
        with socket.create_connection(address, timeout=5) as connection:
            connection.sendall(raw)


def test_one_bad_tracklet_does_not_spoil_its_neighbours(http):
    good, bad = parts_of(frames_of("red")), parts_of([b"bad"])
    statuses = [http.post("/embed", files=files).status_code for files in (good, bad) * 5]
    assert statuses == [200, 422] * 5


HUGE = "1" + "0" * 400


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", ONE, '{"embedding": [%s]}', "invalid_embedding"),
        ("POST", "/search", '{"embedding": [%s]}', "invalid_embedding"),
        (
            "PUT",
            ONE,
            '{"embedding": [1], "metadata": {"attributes": {"a": %s}}}',
            "invalid_metadata",
        ),
    ],
)
def test_a_whole_number_beyond_every_float(http, method, path, body, code):
    headers = {"Content-Type": "application/json"}
    refused(http.request(method, path, content=body % HUGE, headers=headers), 422, code)


def test_a_whole_number_beyond_every_float_in_a_form(http):
    metadata = '{"attributes": {"a": ' + HUGE + "}}"
    files = [*parts_of(frames_of("red")), ("metadata", (None, metadata))]
    refused(http.put(ONE, files=files), 422, "invalid_metadata")


@pytest.mark.parametrize("name", ["%ff", "%c3%28"])
def test_a_name_that_is_not_utf_8_is_not_taken_for_another(http, name):
    """Every such name would arrive as the same one, and replace what another stored."""
    files = parts_of(frames_of("red"))
    path = f"/galleries/default/tracklets/{name}"
    refused(http.put(path, files=files), 422, "invalid_identifier")
    refused(http.delete(f"/galleries/default/identities/{name}"), 422, "invalid_identifier")
