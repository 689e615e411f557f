"""`/healthz` and `/readyz`: is the process alive, and may it be sent requests."""

from typing import Annotated

from fastapi import APIRouter, Depends

from service.access.doorkeeper import Doorkeeper
from service.api.access import open_doorkeeper, open_to_anyone
from service.api.answers import AliveAnswer, ReadyAnswer
from service.api.deadline import NOTHING_KEPT
from service.api.dependencies import OpenLifecycle, OpenRuntime, RequestDeadline
from service.api.key_docs import OPEN_CALL
from service.errors import NotReady

router = APIRouter(tags=["health"], dependencies=[open_to_anyone()])


@router.get("/healthz", openapi_extra=OPEN_CALL)
async def healthz(lifecycle: OpenLifecycle) -> AliveAnswer:
    """200 while the process can go on; 503 when only a new one can: its device is lost or stuck."""
    illness = lifecycle.illness()
    if illness is not None:
        raise NotReady(
            expected="a process that can go on",
            received=illness,
            remedy="start the process anew",
            retry_after_s=1,
        )
    return AliveAnswer(alive=True)


@router.get("/readyz", openapi_extra=OPEN_CALL)
async def readyz(
    lifecycle: OpenLifecycle,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    doorkeeper: Annotated[Doorkeeper, Depends(open_doorkeeper)],
) -> ReadyAnswer:
    """200 once artifact, golden clip and index have been checked; 503 with the reason before.

    Also 503 while the service drains, so that callers go elsewhere before they are refused.
    """
    unreadiness = lifecycle.unreadiness()
    if unreadiness is not None:
        raise _not_ready(unreadiness)
    async with deadline.bounding(NOTHING_KEPT):
        health = await runtime.gallery.health()
    problem = runtime.forgetting.problem() or doorkeeper.problem()
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
