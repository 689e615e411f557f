"""`/healthz` and `/readyz`: is the process alive, and may it be sent requests."""

from fastapi import APIRouter

from service.api.access import open_to_anyone
from service.api.answers import AliveAnswer, ReadyAnswer
from service.api.deadline import NOTHING_KEPT
from service.api.dependencies import OpenRuntime, RequestDeadline
from service.errors import NotReady

router = APIRouter(tags=["health"], dependencies=[open_to_anyone()])


@router.get("/healthz")
async def healthz() -> AliveAnswer:
    """Answers as long as the event loop runs."""
    return AliveAnswer(alive=True)


@router.get("/readyz")
async def readyz(runtime: OpenRuntime, deadline: RequestDeadline) -> ReadyAnswer:
    """200 once artifact, golden clip and index have been checked; 503 with the reason before."""
    if not runtime.embedder.ready:
        raise _not_ready("an embedder that has stopped")
    async with deadline.bounding(NOTHING_KEPT):
        health = await runtime.gallery.health()
    problem = runtime.forgetting.problem()
    if problem is not None:
        raise _not_ready(problem)
    if not health.ready:
        raise _not_ready(health.reason or "a gallery that is not ready")
    return ReadyAnswer(ready=True, tracklets=health.tracklets, seq=health.seq)


def _not_ready(received: str) -> NotReady:
    return NotReady(
        expected="a running embedder and an index equal to the store",
        received=received,
        remedy="do as the reason says; a restart rebuilds the index from the store",
        retry_after_s=1,
    )
