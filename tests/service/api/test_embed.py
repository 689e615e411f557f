import base64

import httpx
import numpy as np
import pytest

from tests.people import frames_of, parts_of


def test_frames_give_an_embedding_of_length_one(http: httpx.Client):
    answer = http.post("/embed", files=parts_of(frames_of("red"))).json()
    embedding = np.array(answer["embedding"])
    assert answer["dimension"] == len(embedding) == 20
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-6)
    assert answer["frames"] == {"received": 3, "used": 3, "rejected": []}
    assert set(answer["model"]) == {"name", "version", "fingerprint"}


def test_base64_holds_the_same_numbers(http: httpx.Client):
    parts = parts_of(frames_of("red"))
    numbers = http.post("/embed", files=parts).json()["embedding"]
    coded = http.post("/embed", params={"encoding": "base64"}, files=parts).json()["embedding"]
    raw = np.frombuffer(base64.b64decode(coded), "<f4")
    np.testing.assert_array_equal(raw, np.array(numbers, np.float32))


def test_an_unreadable_frame_is_reported_and_the_others_are_used(http: httpx.Client):
    frames = frames_of("red")
    broken = [frames[0], b"text named .jpg", frames[1], frames[2]]
    answer = http.post("/embed", files=parts_of(broken)).json()
    assert (answer["frames"]["received"], answer["frames"]["used"]) == (4, 3)
    (rejected,) = answer["frames"]["rejected"]
    assert rejected["index"] == 1
    assert rejected["reason"].startswith("expected JPEG, PNG, WEBP data, received ")
    whole = http.post("/embed", files=parts_of(frames)).json()
    assert answer["embedding"] == whole["embedding"]


def test_an_unknown_encoding_is_refused(http: httpx.Client):
    answer = http.post("/embed", params={"encoding": "hex"}, files=parts_of(frames_of("red")))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_query")
    assert "`encoding` to be 'float' or 'base64'" in error["expected"]
    assert error["received"] == "'hex'"


def test_an_unknown_option_is_refused(http: httpx.Client):
    answer = http.post("/embed", params={"encodign": "float"}, files=parts_of(frames_of("red")))
    assert answer.status_code == 422
    assert answer.json()["error"]["received"] == "unknown key `encodign`"


def test_embedding_keeps_nothing(http: httpx.Client):
    http.post("/embed", files=parts_of(frames_of("red")))
    assert http.get("/readyz").json()["tracklets"] == 0
