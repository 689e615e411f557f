"""A hundred clients at once over HTTP, on every store; and a service that is told to stop by then.

Each row's camera and embedding name its version, so that a torn or mixed row would show.
"""

import itertools
import json
import random
import signal
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from service.api.embedding_codec import embedding_base64
from tests.artifact_factory import DIMENSION
from tests.gallery_rows import cosine, embedding_of, kept
from tests.live_service import live_service
from tests.redis_server import RedisServer

CLIENTS = 100
TURNS = 3
VERSIONS = 5


@contextmanager
def served(store: str, artifact, directory):
    """A service on the store; the second value starts another one on the same data."""
    if store == "sqlite":
        with live_service(artifact, directory / "data") as service:
            yield service, lambda: live_service(artifact, directory / "data")
        return
    with RedisServer(directory / "redis") as redis:
        settings = {"REID_STORE": "redis", "REID_REDIS_URL": redis.url}
        data = directory / "data"
        with live_service(artifact, data, settings=settings) as service:
            yield service, lambda: live_service(artifact, data, settings=settings)


def body_of(version: int) -> dict[str, object]:
    vector = embedding_base64(embedding_of(version, DIMENSION))
    return {"embedding": vector, "metadata": {"camera": f"c{version}"}}


def check_matches(answer: httpx.Response, query) -> set[str]:
    """Ids found, after each match was compared with the version that its camera names."""
    matches = answer.json()["matches"]
    for match in matches:
        version = int(match["camera"][1:])
        stored = kept(embedding_of(version, DIMENSION)).astype(float)
        assert match["similarity"] == pytest.approx(
            float(cosine(stored, query.astype(float))), abs=1e-7
        )
    return {match["tracklet_id"] for match in matches}


def live(http: httpx.Client, number: int, kept_rows: dict[str, int]) -> None:
    """What one client does; `kept_rows` says what it left behind, by acknowledgement."""
    chooser = random.Random(number)
    for turn in range(TURNS):
        name, version = f"t{number}-{turn % 3}", chooser.randrange(VERSIONS)
        path = f"/galleries/default/tracklets/{name}"
        while (answer := http.put(path, json=body_of(version))).status_code == 429:
            time.sleep(0.05)
        assert answer.status_code in {200, 201}, answer.text
        assert answer.json()["visible"] is True
        kept_rows[name] = version
        if chooser.random() < 0.4:
            assert http.delete(path).status_code == 200
            del kept_rows[name]
        query = embedding_of(chooser.randrange(VERSIONS), DIMENSION)
        asked = {"embedding": embedding_base64(query), "top_k": 1000}
        found = check_matches(http.post("/search", json=asked), query)
        mine = {name for name in found if name.startswith(f"t{number}-")}
        assert mine == set(kept_rows)


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_a_hundred_clients_find_exactly_what_each_has_left(store, artifact, tmp_path):
    rows: list[dict[str, int]] = [{} for _ in range(CLIENTS)]
    failures: list[BaseException] = []
    with served(store, artifact, tmp_path) as (service, _):

        def work(number: int) -> None:
            try:
                with httpx.Client(base_url=service.url, timeout=60) as http:
                    live(http, number, rows[number])
            except BaseException as error:  # noqa: BLE001 whatever it is, the test says it
                failures.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        expected = {name: version for held in rows for name, version in held.items()}
        with httpx.Client(base_url=service.url, timeout=60) as http:
            exported = http.get("/galleries/default/export").text.splitlines()[1:-1]
            held = {
                line["tracklet_id"]: int(line["metadata"]["camera"][1:])
                for line in map(json.loads, exported)
            }
            assert held == expected
            verified = http.post("/galleries/default/verify").json()
            assert verified["agrees"], verified


def write_until_refused(url, prefix, acknowledged, stopping):
    """Enroll one tracklet after the other, and note the version of each that was acknowledged."""
    with httpx.Client(base_url=url, timeout=30) as http:
        for turn in itertools.count(1):
            if stopping.is_set():
                return
            name = f"{prefix}-{turn}"
            try:
                answer = http.put(
                    f"/galleries/default/tracklets/{name}", json=body_of(turn % VERSIONS)
                )
            except httpx.HTTPError:
                return
            if answer.status_code != 201:
                return
            acknowledged[name] = turn % VERSIONS


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_a_service_that_is_told_to_stop_finishes_what_it_took(store, artifact, tmp_path):
    acknowledged: dict[str, int] = {}
    with served(store, artifact, tmp_path) as (service, again):
        stopping = threading.Event()
        writers = [
            threading.Thread(
                target=write_until_refused, args=(service.url, f"t{n}", acknowledged, stopping)
            )
            for n in range(20)
        ]
        for writer in writers:
            writer.start()
        while len(acknowledged) < 100:
            time.sleep(0.02)
        told = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        # The server ends by the signal it was sent, when everything else has ended.
        assert service.process.wait(20) == 0
        assert service.events("stopped")
        assert time.monotonic() - told < 20
        stopping.set()
        for writer in writers:
            writer.join()
        # Asked before it was ready, it said so.
        failed = [line for line in service.lines if line.get("level") == "error"]
        assert {line.get("code") for line in failed} <= {"not_ready"}
        assert service.events("snapshot_written")
        with again() as second, httpx.Client(base_url=second.url, timeout=30) as http:
            assert second.events("started_from_snapshot")
            exported = http.get("/galleries/default/export").text.splitlines()[1:-1]
            held = {
                line["tracklet_id"]: int(line["metadata"]["camera"][1:])
                for line in map(json.loads, exported)
            }
            assert acknowledged.items() <= held.items()
            assert http.post("/galleries/default/verify").json()["agrees"]
