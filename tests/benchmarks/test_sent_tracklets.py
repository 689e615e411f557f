import base64
import json
from pathlib import Path

import pytest

from benchmarks.sent_tracklets import base64_json, multipart, of_lengths, sample_tracklets

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def test_every_sample_is_sent_once():
    tracklets = sample_tracklets(SAMPLES, frames=8)
    files = [path.read_bytes() for path in sorted(SAMPLES.rglob("*.jpg"))]
    assert [file for tracklet in tracklets for file in tracklet] == files[: 8 * len(tracklets)]
    assert {len(tracklet) for tracklet in tracklets} == {8}
    assert len(files) - 8 * len(tracklets) < 8


def test_too_few_samples_are_refused(tmp_path):
    (tmp_path / "one.jpg").write_bytes(b"1")
    with pytest.raises(FileNotFoundError, match=r"expected 2 or more .* received 1; run in"):
        sample_tracklets(tmp_path, frames=2)


def test_any_length_can_be_had():
    assert [len(tracklet) for tracklet in of_lengths(SAMPLES, [1, 200, 3])] == [1, 200, 3]


def test_a_request_states_its_length_and_carries_the_frames():
    head, _, body = base64_json("/embed")([b"one", b"two"]).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /embed HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert [base64.b64decode(frame) for frame in json.loads(body)["frames"]] == [b"one", b"two"]

    put = multipart("/x", method="PUT", timeout_s=2.5)
    head, _, body = put([b"one", b"two"]).partition(b"\r\n\r\n")
    assert b"\r\nX-Timeout-S: 2.5\r\n" in head
    assert head.startswith(b"PUT /x HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.index(b"\r\n\r\none\r\n") < body.index(b"\r\n\r\ntwo\r\n")
