import asyncio
from types import SimpleNamespace

import httpx
import pytest

from service.api.answers import ReadyAnswer
from service.api.deadline import Deadline
from service.api.health import healthz, readyz
from service.errors import NotReady


def readiness(
    *,
    unreadiness: str | None = None,
    gallery_ready: bool = True,
    problem: str | None = None,
    keys_problem: str | None = None,
) -> ReadyAnswer:
    """`/readyz` of a runtime with parts in the given state; a broken part cannot be had at will."""

    async def ask() -> ReadyAnswer:
        async def health():
            reason = None if gallery_ready else "index differs from store"
            return SimpleNamespace(ready=gallery_ready, reason=reason, tracklets=3, seq=9)

        runtime = SimpleNamespace(
            gallery=SimpleNamespace(health=health),
            forgetting=SimpleNamespace(problem=lambda: problem),
        )
        lifecycle = SimpleNamespace(unreadiness=lambda: unreadiness)
        doorkeeper = SimpleNamespace(problem=lambda: keys_problem)
        return await readyz(lifecycle, runtime, Deadline(5), doorkeeper)

    return asyncio.run(ask())


def test_alive_and_ready(http: httpx.Client):
    assert http.get("/healthz").json() == {"alive": True}
    answer = http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert answer.json()["tracklets"] == 0


def test_ready_counts_what_it_holds():
    assert readiness() == ReadyAnswer(ready=True, tracklets=3, seq=9)


@pytest.mark.parametrize(
    ("state", "received"),
    [
        ({"unreadiness": "a batcher that does not run"}, "a batcher that does not run"),
        ({"gallery_ready": False}, "index differs from store"),
    ],
)
def test_one_broken_part_is_enough_to_be_not_ready(state, received):
    with pytest.raises(NotReady) as caught:
        readiness(**state)
    assert caught.value.received == received
    assert caught.value.expected == "a running embedder and an index equal to the store"
    assert "rebuilds the index from the store" in caught.value.remedy
    assert caught.value.retry_after_s == 1


def test_not_ready_when_nobody_erases_or_audits_any_more():
    with pytest.raises(NotReady, match="the thread for erasures has died"):
        readiness(problem="the thread for erasures has died; restart the service")


def test_not_ready_when_revoked_keys_would_go_on_being_let_in():
    with pytest.raises(NotReady, match="the thread that reads the keys file has ended"):
        readiness(keys_problem="the thread that reads the keys file has ended")


def test_alive_as_long_as_the_process_can_go_on():
    lifecycle = SimpleNamespace(illness=lambda: None)
    assert asyncio.run(healthz(lifecycle)).alive


def test_not_alive_when_only_a_new_process_can_go_on():
    lifecycle = SimpleNamespace(illness=lambda: "a device that is lost: it fell off")
    with pytest.raises(NotReady) as caught:
        asyncio.run(healthz(lifecycle))
    assert caught.value.expected == "a process that can go on"
    assert caught.value.received == "a device that is lost: it fell off"
    assert caught.value.remedy == "start the process anew"
