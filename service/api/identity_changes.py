"""`/galleries/{gallery}/identities:rename`, `:merge`, `:split` and `:reassign`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.audited import RequestAudit
from service.api.deadline import OUTCOME_UNKNOWN
from service.api.dependencies import OpenRuntime, RequestDeadline, read_json_only
from service.api.gallery_answers import MovedAnswer
from service.api.gallery_schemas import MergeBody, ReassignBody, RenameBody, SplitBody
from service.api.gallery_seq import show_seq
from service.api.request_docs import json_docs
from service.api.validation import Body, parse_json
from service.errors import InvalidInput
from service.gallery.identities import Moved, merge, reassign, rename, split
from service.gallery.open_gallery import OpenGallery
from service.runtime import Runtime

router = APIRouter(
    prefix="/galleries/{gallery}",
    tags=["identities"],
    dependencies=[requires(AccessScope.GALLERY_WRITE)],
)


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """One request to change identities of a gallery.

    Attributes:
        gallery: Its name.
        request: Whose body says what to change.
        response: Gets the number of the write.
        runtime: Of the service.
    """

    gallery: str
    request: Request
    response: Response
    runtime: Runtime

    async def body(self, model: type[Body]) -> Body:
        """What is asked for.

        Raises:
            MalformedRequest: When it is not JSON.
            InvalidInput: When it is not as `model` has it.
        """
        raw = await read_json_only(self.request, self.runtime.settings.max_json_bytes)
        return parse_json(model, raw, fault=InvalidInput)

    async def made(self, change: Callable[[OpenGallery], Moved]) -> MovedAnswer:
        """What came of the change, once it is made."""
        done = await self.runtime.gallery.write(self.gallery, change)
        show_seq(self.response, done.value.seq)
        return MovedAnswer(moved=done.value.tracklets, seq=done.value.seq)


async def identity_change(
    gallery: str, request: Request, response: Response, runtime: OpenRuntime
) -> IdentityChange:
    """The request, for routes."""
    return IdentityChange(gallery, request, response, runtime)


AskedChange = Annotated[IdentityChange, Depends(identity_change)]


@router.post("/identities:rename", openapi_extra=json_docs(RenameBody))
async def rename_identity(
    asked: AskedChange, deadline: RequestDeadline, audit: RequestAudit
) -> MovedAnswer:
    """Give an identity a name that no other has."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        body = await asked.body(RenameBody)
        await audit.record("rename", asked.gallery, body.identity)
        return await asked.made(lambda held: rename(held, body.identity, body.to))


@router.post("/identities:merge", openapi_extra=json_docs(MergeBody))
async def merge_identities(
    asked: AskedChange, deadline: RequestDeadline, audit: RequestAudit
) -> MovedAnswer:
    """Make several identities one, which may be one of them."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        body = await asked.body(MergeBody)
        await audit.record("merge", asked.gallery, body.into)
        await audit.record_each("merge", asked.gallery, body.identities)
        return await asked.made(lambda held: merge(held, body.identities, body.into))


@router.post("/identities:split", openapi_extra=json_docs(SplitBody))
async def split_identity(
    asked: AskedChange, deadline: RequestDeadline, audit: RequestAudit
) -> MovedAnswer:
    """Make some tracklets of an identity another one, of a name that no other has."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        body = await asked.body(SplitBody)
        await audit.record("split", asked.gallery, body.identity)
        await audit.record_each("split", asked.gallery, body.tracklet_ids)
        return await asked.made(lambda held: split(held, body.identity, body.tracklet_ids, body.to))


@router.post("/identities:reassign", openapi_extra=json_docs(ReassignBody))
async def reassign_tracklets(
    asked: AskedChange, deadline: RequestDeadline, audit: RequestAudit
) -> MovedAnswer:
    """Say of whom tracklets are; null that it is not known."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        body = await asked.body(ReassignBody)
        await audit.record("reassign", asked.gallery, body.identity)
        await audit.record_each("reassign", asked.gallery, body.tracklet_ids)
        return await asked.made(lambda held: reassign(held, body.tracklet_ids, body.identity))
