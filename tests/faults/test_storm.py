"""kill -9 of the service and of Redis at random moments under eight writers.

No acknowledged write may be lost, none made twice, no batch be half there, and whatever is found
must carry the embedding of its version. The clients' file and the data stay where a failure names
them; the seed that is printed makes the same choices again.
"""

import base64
import json
import random
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.artifact_factory import write_tiny_artifact
from tests.faults.acknowledgements import Acknowledgements, complaints
from tests.faults.storm import WRITERS, Storm, embedding_for
from tests.live_service import LiveService, live_service
from tests.long_run import rounds
from tests.redis_server import RedisServer

KILLS = rounds(4, 200)
MOST_ANSWERS_BETWEEN_KILLS = 40


class Battlefield:
    """A service that is started again after each kill, and its Redis if it has one."""

    def __init__(self, directory: Path, *, over_redis: bool) -> None:
        write_tiny_artifact(directory / "artifact")
        self.directory = directory
        self.redis = RedisServer(directory / "redis") if over_redis else None
        self.service: LiveService | None = None
        self._exits = ExitStack()
        self._running = ExitStack()

    def __enter__(self) -> "Battlefield":
        if self.redis is not None:
            self._exits.enter_context(self.redis)
        self.start_service()
        return self

    def __exit__(self, *failure: object) -> None:
        self._running.close()
        self._exits.close()

    def url(self) -> str:
        """Of the service, which may be dead."""
        assert self.service is not None
        return self.service.url

    def start_service(self) -> None:
        settings = {"REID_STALE_AFTER_S": "600", "REID_SNAPSHOT_EVERY_WRITES": "50"}
        if self.redis is not None:
            settings |= {"REID_STORE": "redis", "REID_REDIS_URL": self.redis.url}
        self.service = self._running.enter_context(
            live_service(self.directory / "artifact", self.directory / "data", settings=settings)
        )

    def kill(self, victim: str) -> None:
        """Kill it and start it again with the same data."""
        if victim == "redis":
            assert self.redis is not None
            self.redis.restart()
        else:
            assert self.service is not None
            self.service.kill()
            self._running.close()
            self.start_service()

    def held(self) -> list[dict[str, object]]:
        """Every tracklet with its embedding, as an export gives them."""
        answer = httpx.get(
            f"{self.url()}/galleries/default/export", params={"encoding": "float32"}, timeout=60
        )
        answer.raise_for_status()
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert lines[-1]["end"] is True
        assert lines[-1]["tracklets"] == len(lines) - 2
        return lines[1:-1]


def version_of(tracklet: dict) -> int:
    return int(tracklet["metadata"]["attributes"]["version"])


def await_quiet(battlefield: Battlefield) -> None:
    """Wait until the service answers as ready; after a kill of Redis it comes back by itself."""
    until = time.monotonic() + 60
    while httpx.get(f"{battlefield.url()}/readyz", timeout=20).status_code != 200:
        assert time.monotonic() < until, "the service did not recover in a minute"
        time.sleep(0.1)


@pytest.mark.timeout(rounds(300, 7200))
@pytest.mark.parametrize(
    ("kind", "victims"), [("sqlite", ["service"]), ("redis", ["service", "redis"])]
)
def test_no_kill_loses_an_acknowledged_write_or_leaves_half_a_batch(tmp_path, kind, victims):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}, directory {tmp_path}")
    chooser = random.Random(seed)
    oracle = Acknowledgements(tmp_path / "oracle")
    with Battlefield(tmp_path, over_redis=kind == "redis") as battlefield:
        storm = Storm(battlefield.url, oracle, seed)
        with storm.blowing():
            for _ in range(KILLS):
                storm.await_answers(chooser.randint(1, MOST_ANSWERS_BETWEEN_KILLS))
                time.sleep(chooser.uniform(0, 0.05))
                battlefield.kill(chooser.choice(victims))
            storm.await_answers(WRITERS)
        await_quiet(battlefield)
        before_restart = battlefield.held()
        battlefield.kill("service")
        held = battlefield.held()
    assert storm.refusals == []
    assert {t["tracklet_id"]: t["seq"] for t in before_restart} == {
        t["tracklet_id"]: t["seq"] for t in held
    }
    assert complaints(oracle.path, {t["tracklet_id"]: version_of(t) for t in held}) == []
    for tracklet in held:
        assert_own_embedding(tracklet)


def assert_own_embedding(tracklet: dict) -> None:
    """The embedding is that of the version the metadata name, so nothing was mixed."""
    raw = base64.b64decode(tracklet["embedding"])
    expected = embedding_for(tracklet["tracklet_id"], version_of(tracklet))
    assert np.frombuffer(raw, "<f4").tolist() == expected.astype(np.float16).astype("f4").tolist()
