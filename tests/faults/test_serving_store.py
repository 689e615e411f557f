"""A store that is away or does not answer: what needs it is told so, all else goes on."""

import asyncio
import json

import pytest

from tests.faults.faulty_service import Faults
from tests.faults.live_faults import (
    embed_request,
    enroll_request,
    enrolled,
    faulty_service,
    search_request,
)
from tests.faults.requests_sent import ask, ask_all, counted
from tests.redis_server import RedisServer

TIMEOUT_S = 3.0


@pytest.fixture
def redis(tmp_path):
    """A real Redis."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def service(artifact, tmp_path, redis):
    """A service on it that answers every request within 3 s."""
    with faulty_service(
        artifact,
        tmp_path / "data",
        Faults(),
        store="redis",
        redis_url=redis.url,
        request_timeout_s=TIMEOUT_S,
    ) as running:
        assert asyncio.run(ask(running.url, enroll_request("before"))).status == 201
        # Admission predicts from what was answered: one cold request would say too little.
        warming = [embed_request(frames=8) for _ in range(16)]
        assert set(counted(asyncio.run(ask_all(running.url, warming)))) <= {200, 429}
        yield running


def mixed_load():
    """Eight enrolments, eight embeddings and eight searches by frames."""
    enrolments = [enroll_request(f"t{number}", frames=2) for number in range(8)]
    return [*enrolments, *[embed_request(frames=2)] * 8, *[search_request(frames=2)] * 8]


def check_that_only_writes_fail(outcomes, allowed):
    writes, others = outcomes[:8], outcomes[8:]
    assert counted(others) == {200: 16}
    assert set(counted(writes)) <= allowed, counted(writes)
    assert max(outcome.seconds for outcome in outcomes) < TIMEOUT_S + 1.0
    for outcome in writes:
        assert json.loads(outcome.body)["error"]["remedy"]


def test_while_it_is_away_writes_are_refused_and_come_through_when_it_is_back(service, redis):
    redis.kill()
    check_that_only_writes_fail(asyncio.run(ask_all(service.url, mixed_load())), {503, 504})
    redis.start()
    service.await_ready()
    assert enrolled(service) == {"before"}
    outcomes = asyncio.run(ask_all(service.url, mixed_load()))
    assert counted(outcomes) == {201: 8, 200: 16}


def test_while_it_does_not_answer_writes_end_by_their_deadline(service, redis):
    redis.pause()
    try:
        outcomes = asyncio.run(ask_all(service.url, mixed_load()))
    finally:
        redis.resume()
    check_that_only_writes_fail(outcomes, {503, 504})
    service.await_ready()
    assert asyncio.run(ask(service.url, enroll_request("after"))).status == 201
