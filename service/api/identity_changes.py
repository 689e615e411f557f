"""`/galleries/{gallery}/identities:rename`, `:merge`, `:split` and `:reassign`."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

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

router = APIRouter(prefix="/galleries/{gallery}", tags=["identities"])

Change = Callable[[OpenGallery], Moved]


@router.post("/identities:rename", openapi_extra=json_docs(RenameBody))
async def rename_identity(
    gallery: str,
    request: Request,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
) -> MovedAnswer:
    """Give an identity a name that no other has."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        body = await _body(RenameBody, request, runtime)
        await audit.record("rename", gallery, body.identity)
        return await _moved(
            runtime, gallery, response, lambda held: rename(held, body.identity, body.to)
        )


@router.post("/identities:merge", openapi_extra=json_docs(MergeBody))
async def merge_identities(
    gallery: str,
    request: Request,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
) -> MovedAnswer:
    """Make several identities one, which may be one of them."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        body = await _body(MergeBody, request, runtime)
        await audit.record("merge", gallery, body.into)
        await audit.record_each("merge", gallery, body.identities)
        return await _moved(
            runtime, gallery, response, lambda held: merge(held, body.identities, body.into)
        )


@router.post("/identities:split", openapi_extra=json_docs(SplitBody))
async def split_identity(
    gallery: str,
    request: Request,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
) -> MovedAnswer:
    """Make some tracklets of an identity another one, of a name that no other has."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        body = await _body(SplitBody, request, runtime)
        await audit.record("split", gallery, body.identity)
        await audit.record_each("split", gallery, body.tracklet_ids)
        return await _moved(
            runtime,
            gallery,
            response,
            lambda held: split(held, body.identity, body.tracklet_ids, body.to),
        )


@router.post("/identities:reassign", openapi_extra=json_docs(ReassignBody))
async def reassign_tracklets(
    gallery: str,
    request: Request,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
) -> MovedAnswer:
    """Say of whom tracklets are; null that it is not known."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        body = await _body(ReassignBody, request, runtime)
        await audit.record("reassign", gallery, body.identity)
        await audit.record_each("reassign", gallery, body.tracklet_ids)
        return await _moved(
            runtime,
            gallery,
            response,
            lambda held: reassign(held, body.tracklet_ids, body.identity),
        )


async def _body(model: type[Body], request: Request, runtime: Runtime) -> Body:
    raw = await read_json_only(request, runtime.settings.max_json_bytes)
    return parse_json(model, raw, fault=InvalidInput)


async def _moved(runtime: Runtime, gallery: str, response: Response, change: Change) -> MovedAnswer:
    done = await runtime.gallery.write(gallery, change)
    show_seq(response, done.value.seq)
    return MovedAnswer(moved=done.value.tracklets, seq=done.value.seq)
