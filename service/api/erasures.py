"""`/galleries/{gallery}/erasures`: receipts of erasures; and how a deletion becomes an erasure."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.audited import Audit, RequestAudit
from service.api.deadline import NOTHING_KEPT, OUTCOME_UNKNOWN, Deadline
from service.api.dependencies import OpenRuntime, RequestDeadline
from service.api.forgetting_answers import ErasureAnswer, ErasuresAnswer, erasure_answer
from service.api.schemas import DeleteQuery, EraseQuery
from service.errors import InvalidQuery
from service.gallery.erasure_places import Subject
from service.runtime import Runtime

router = APIRouter(
    prefix="/galleries/{gallery}/erasures",
    tags=["erasures"],
    dependencies=[requires(AccessScope.GALLERY_WRITE)],
)

_ACCEPTED = 202
ACCEPTED: dict[int | str, dict[str, object]] = {
    _ACCEPTED: {"model": ErasureAnswer, "description": "The erasure has begun"}
}
"""What a deletion answers to `?erase=true`, for the description of its route."""
_WAITED_SHARE = 0.8
"""Of the time for a request, so that there is an answer when the erasure takes longer."""


class Erasing:
    """Whether a deletion is to leave no byte behind, and how it is then carried out.

    Args:
        runtime: Of the service.
        deadline: Of the request.
        audit: In the name of whoever asks.
        query: Whether to erase, and whether to answer when the receipt is final.

    Raises:
        InvalidQuery: For `wait` without `erase`.
    """

    def __init__(
        self, runtime: Runtime, deadline: Deadline, audit: Audit, query: EraseQuery
    ) -> None:
        if query.wait and not query.erase:
            raise InvalidQuery(
                expected="`wait=true` with `erase=true` only",
                received="`wait=true` alone",
                remedy="add `erase=true`: a deletion is answered when it is done anyway",
            )
        self.asked = query.erase
        self._runtime = runtime
        self._deadline = deadline
        self._audit = audit
        self._wait = query.wait

    async def erase(self, gallery: str, subject: Subject, response: Response) -> ErasureAnswer:
        """Begin the erasure: 202 with its receipt, or 200 when that is final already."""
        erasures = self._runtime.forgetting.erasures
        async with self._deadline.bounding(OUTCOME_UNKNOWN):
            name = subject.identity or subject.tracklet_id
            await self._audit.record("erase", gallery, name)
            begun = await self._runtime.gallery.write(
                gallery, lambda held: erasures.request(held.gallery_id, subject)
            )
            receipt = begun.value
            if self._wait:
                seconds = self._runtime.settings.request_timeout_s * _WAITED_SHARE
                receipt = await asyncio.to_thread(erasures.wait, receipt, seconds)
        response.status_code = 200 if receipt.state == "final" else _ACCEPTED
        return erasure_answer(begun.gallery.name, receipt)


async def person_erasing(
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
    query: Annotated[EraseQuery, Query()],
) -> Erasing:
    """Whether the request asks to erase an identity."""
    return Erasing(runtime, deadline, audit, query)


async def tracklet_erasing(
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
    query: Annotated[DeleteQuery, Query()],
) -> Erasing:
    """Whether the request asks to erase one tracklet."""
    return Erasing(runtime, deadline, audit, query)


PersonErasing = Annotated[Erasing, Depends(person_erasing)]
TrackletErasing = Annotated[Erasing, Depends(tracklet_erasing)]


@router.get("")
async def list_erasures(
    gallery: str, runtime: OpenRuntime, deadline: RequestDeadline
) -> ErasuresAnswer:
    """Every erasure of the gallery, oldest first."""
    async with deadline.bounding(NOTHING_KEPT):
        found = await runtime.gallery.read(
            gallery, lambda held: held.store.receipts(held.gallery_id)
        )
    return ErasuresAnswer(
        erasures=[erasure_answer(found.gallery.name, receipt) for receipt in found.value]
    )


@router.get("/{receipt_id}")
async def read_erasure(
    gallery: str, receipt_id: str, runtime: OpenRuntime, deadline: RequestDeadline
) -> ErasureAnswer:
    """One receipt, as far as the erasure has come."""
    erasures = runtime.forgetting.erasures
    async with deadline.bounding(NOTHING_KEPT):
        found = await runtime.gallery.read(
            gallery, lambda held: erasures.receipt(held.gallery_id, receipt_id)
        )
    return erasure_answer(found.gallery.name, found.value)
