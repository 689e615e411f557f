import asyncio
import json
import threading
from concurrent.futures import Future
from types import SimpleNamespace

import httpx
import numpy as np
import pytest

from service.api.dependencies import open_runtime
from service.api.tracklets import _idempotency
from service.app import create_app
from service.settings import Settings
from tests.asgi_exchange import exchange
from tests.people import frames_of, parts_of

ONE = "/galleries/default/tracklets/a"


def enroll(http: httpx.Client, tracklet_id: str, person: str, metadata: str = "{}"):
    files = [*parts_of(frames_of(person)), ("metadata", (None, metadata))]
    return http.put(f"/galleries/default/tracklets/{tracklet_id}", files=files)


def test_a_new_tracklet_is_201_and_a_replaced_one_200(http: httpx.Client):
    first = enroll(http, "a", "red", '{"identity": "p1"}')
    again = enroll(http, "a", "blue", '{"identity": "p2"}')
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert again.json()["seq"] > first.json()["seq"]
    assert first.json()["tracklet_id"] == "a"
    assert first.json()["gallery"] == "default"
    assert first.json()["frames"] == {"received": 3, "used": 3, "rejected": []}
    assert http.get(ONE).json()["identity"] == "p2"
    assert http.get("/readyz").json()["tracklets"] == 1


def test_metadata_comes_back_as_sent_with_times_in_unix_seconds(http: httpx.Client):
    metadata = (
        '{"identity": "p 1", "camera": "c1", "start": "1970-01-01T00:01:00Z", "end": 90.5,'
        ' "attributes": {"shift": "day", "floor": 2, "ratio": 0.5, "staff": true}}'
    )
    assert enroll(http, "a", "red", metadata).status_code == 201
    answer = http.get(ONE).json()
    assert answer["identity"] == "p 1"
    assert answer["camera"] == "c1"
    assert (answer["start"], answer["end"]) == (60.0, 90.5)
    assert answer["attributes"] == {"shift": "day", "floor": 2, "ratio": 0.5, "staff": True}
    assert answer["enrolled"] > 1_700_000_000
    assert answer["embedding"] is None


def test_an_embedding_enrolls_the_same_as_its_frames(http: httpx.Client):
    embedded = http.post("/embed", files=parts_of(frames_of("red"))).json()["embedding"]
    coded = http.post(
        "/embed", params={"encoding": "base64"}, files=parts_of(frames_of("red"))
    ).json()["embedding"]
    enroll(http, "frames", "red")
    for name, value in (("numbers", embedded), ("base64", coded)):
        answer = http.put(
            f"/galleries/default/tracklets/{name}",
            json={"embedding": value, "metadata": {"camera": "c1"}},
        )
        assert answer.status_code == 201
        assert answer.json()["frames"] is None
    kept = [
        http.get(f"/galleries/default/tracklets/{name}", params={"embedding": "true"}).json()
        for name in ("frames", "numbers", "base64")
    ]
    for one in kept:
        # The gallery keeps float16.
        np.testing.assert_allclose(one["embedding"], embedded, atol=2**-12)


def test_an_id_may_hold_anything_printable_that_a_url_can_escape(http: httpx.Client):
    path = "/galleries/default/tracklets/cam%201%20%E2%82%AC%3F%23%25"
    assert http.put(path, files=parts_of(frames_of("red"))).json()["tracklet_id"] == "cam 1 €?#%"
    assert http.get(path).json()["tracklet_id"] == "cam 1 €?#%"
    assert http.delete(path).json()["deleted"] is True


@pytest.mark.parametrize("tracklet_id", ["a/b", "a%2Fb", "", "a%00b", "x" * 201])
def test_an_id_that_is_none_meets_its_own_error(http: httpx.Client, tracklet_id):
    answer = http.put(
        f"/galleries/default/tracklets/{tracklet_id}", files=parts_of(frames_of("red"))
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_identifier")


def test_what_was_deleted_is_unknown(http: httpx.Client):
    enroll(http, "a", "red")
    deleted = http.delete(ONE)
    assert deleted.json()["deleted"] is True
    assert deleted.json()["seq"] > 0
    for answer in (http.get(ONE), http.delete(ONE)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "tracklet_not_found")


def test_an_unknown_gallery_is_its_own_error(http: httpx.Client):
    for answer in (
        http.get("/galleries/other/tracklets"),
        http.get("/galleries/other/tracklets/a"),
        http.put("/galleries/other/tracklets/a", files=parts_of(frames_of("red"))),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "gallery_not_found")


def test_pages_follow_each_other_without_gap_or_repeat(http: httpx.Client):
    for name in "edcba":
        enroll(http, name, "red")
    seen, cursor = [], None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = http.get("/galleries/default/tracklets", params=asked).json()
        seen += [tracklet["tracklet_id"] for tracklet in page["tracklets"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == list("abcde")


def test_a_page_is_filtered(http: httpx.Client):
    enroll(http, "a", "red", '{"identity": "p1", "camera": "c1", "start": 10, "end": 20}')
    enroll(http, "b", "red", '{"identity": "p1", "camera": "c2", "start": 30, "end": 40}')
    enroll(http, "c", "blue", '{"identity": "p2", "camera": "c1"}')

    def ids(**asked):
        page = http.get("/galleries/default/tracklets", params=asked).json()
        return [tracklet["tracklet_id"] for tracklet in page["tracklets"]]

    assert ids(identity="p1") == ["a", "b"]
    assert ids(camera="c1") == ["a", "c"]
    assert ids(start="15", end="1970-01-01T00:00:25Z") == ["a"]
    assert ids(identity="p1", camera="c2") == ["b"]


@pytest.mark.parametrize(
    ("asked", "received"),
    [
        ({"limit": "0"}, "'0'"),
        ({"limit": "51"}, "51"),
        ({"limit": "many"}, "'many'"),
        ({"start": "2026-01-31T12:00:00"}, "'2026-01-31T12:00:00'"),
        ({"cam": "c1"}, "unknown key `cam`"),
    ],
)
def test_a_wrong_page_option_says_what_came(http: httpx.Client, asked, received):
    answer = http.get("/galleries/default/tracklets", params=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_query")
    assert answer.json()["error"]["received"] == received


def test_a_forged_cursor_is_refused(http: httpx.Client):
    answer = http.get("/galleries/default/tracklets", params={"cursor": "!!"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_query")


def test_metadata_is_checked_before_the_frames_cost_anything(http: httpx.Client):
    answer = enroll(http, "a", "red", '{"start": "2026-01-31T12:00:00"}')
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_metadata")
    assert "append Z for UTC" in error["expected"]
    assert http.get(ONE).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_cut_short_by_the_deadline_does_not_claim_to_know_its_outcome(method):
    """A store as slow as this cannot be had at will, so the gallery is a stand-in."""

    async def never(*_, **__):
        await asyncio.sleep(60)

    def recorded(*_):
        done = Future()
        done.set_result(None)
        return done

    settings = Settings(request_timeout_s=0.05)

    async def slow_runtime():
        return SimpleNamespace(
            settings=settings,
            manifest=SimpleNamespace(model=SimpleNamespace(fingerprint="f" * 64)),
            gallery=SimpleNamespace(enroll=never, write=never),
            forgetting=SimpleNamespace(audit=SimpleNamespace(record=recorded)),
        )

    app = create_app(settings)
    app.dependency_overrides[open_runtime] = slow_runtime
    seen = exchange(
        app,
        method=method,
        path=ONE,
        chunks=[b'{"embedding": [1, 2]}'],
        headers={"Content-Type": "application/json"},
    )
    error = json.loads(seen.body)["error"]
    assert (seen.status, error["code"]) == (504, "deadline_exceeded")
    assert error["remedy"] == "outcome unknown: repeat the same request, which is safe"


@pytest.mark.parametrize("key", [None, "once"])
def test_what_a_key_stands_for_is_not_read_on_the_event_loop(key):
    asked = []

    class Said:
        def __init__(self):
            self.key = key

        def idempotency(self, *parts):
            asked.append((threading.current_thread() is threading.main_thread(), parts))
            return parts

    runtime = SimpleNamespace(gallery=SimpleNamespace(in_thread=asyncio.to_thread))
    got = asyncio.run(_idempotency(runtime, Said(), "a", (b"{}", b"pixels")))

    parts = (b"enroll", b"a", b"{}", b"pixels")
    assert got == (None if key is None else parts)
    assert asked == ([] if key is None else [(False, parts)])
