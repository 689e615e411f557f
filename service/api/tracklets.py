"""`/galleries/{gallery}/tracklets`: enroll, read, list and forget tracklets."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray

from service.api.answers import (
    DeletedTrackletAnswer,
    EnrollAnswer,
    FramesAnswer,
    PageAnswer,
    TrackletAnswer,
)
from service.api.deadline import NOTHING_KEPT, OUTCOME_UNKNOWN
from service.api.dependencies import (
    JSON,
    MULTIPART,
    OpenRuntime,
    RequestDeadline,
    frames_answer,
    media_type,
    model_answer,
    read_form,
    read_json,
    unsupported,
)
from service.api.embedding_codec import decode_embedding, embedding_numbers
from service.api.request_docs import body_docs
from service.api.schemas import EnrollBody, MetadataBody, PageQuery, TrackletQuery
from service.api.validation import parse_json
from service.errors import InvalidInput, InvalidMetadata, InvalidQuery
from service.gallery.filters import TrackletFilter
from service.gallery.records import TrackletMetadata, TrackletRecord, check_identifier
from service.runtime import Runtime

router = APIRouter(prefix="/galleries/{gallery}", tags=["tracklets"])

_DEFAULT_PAGE = 100
_ONE = "/tracklets/{tracklet_id:path}"
"""A path, so that an id with a slash meets the rule for ids and not a bare 404."""


@router.put(
    _ONE,
    openapi_extra=body_docs(field="metadata", in_field=MetadataBody, as_json=EnrollBody),
    responses={201: {"model": EnrollAnswer, "description": "A new tracklet was enrolled"}},
)
async def enroll(
    gallery: str,
    tracklet_id: str,
    request: Request,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
) -> EnrollAnswer:
    """Enroll a tracklet, or replace the one with this id: 201 when new, 200 when replaced."""
    check_identifier("tracklet id", tracklet_id)
    async with deadline.bounding(NOTHING_KEPT):
        embedding, metadata, frames = await _enrolment(request, runtime)
    async with deadline.bounding(OUTCOME_UNKNOWN):
        enrolled = await runtime.gallery.enroll(gallery, tracklet_id, embedding, metadata)
    response.status_code = 201 if enrolled.created else 200
    return EnrollAnswer(
        tracklet_id=enrolled.tracklet_id,
        gallery=gallery,
        seq=enrolled.seq,
        created=enrolled.created,
        frames=frames,
        model=model_answer(runtime),
    )


@router.get(_ONE)
async def read(
    gallery: str,
    tracklet_id: str,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    query: Annotated[TrackletQuery, Query()],
) -> TrackletAnswer:
    """One tracklet; its embedding only with `?embedding=true`."""
    check_identifier("tracklet id", tracklet_id)
    async with deadline.bounding(NOTHING_KEPT):
        record = await runtime.gallery.get(gallery, tracklet_id)
    answer = _tracklet_answer(record)
    if query.embedding:
        return answer.model_copy(update={"embedding": embedding_numbers(record.embedding)})
    return answer


@router.delete(_ONE)
async def forget(
    gallery: str, tracklet_id: str, runtime: OpenRuntime, deadline: RequestDeadline
) -> DeletedTrackletAnswer:
    """Forget one tracklet: its metadata and its embedding, in the store and in the index."""
    check_identifier("tracklet id", tracklet_id)
    async with deadline.bounding(OUTCOME_UNKNOWN):
        seq = await runtime.gallery.delete(gallery, tracklet_id)
    return DeletedTrackletAnswer(deleted=True, seq=seq)


@router.get("/tracklets")
async def list_page(
    gallery: str,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    query: Annotated[PageQuery, Query()],
) -> PageAnswer:
    """One page of tracklets in the order of their ids, without embeddings."""
    limit = _page_limit(query.limit, runtime.settings.max_page)
    async with deadline.bounding(NOTHING_KEPT):
        page = await runtime.gallery.page(gallery, _page_filter(query), query.cursor, limit)
    return PageAnswer(
        tracklets=[_tracklet_answer(record) for record in page.records],
        next_cursor=page.next_cursor,
    )


def _page_limit(asked: int | None, most: int) -> int:
    if asked is None:
        return min(_DEFAULT_PAGE, most)
    if asked > most:
        raise InvalidQuery(
            expected=f"`limit` of at most {most}",
            received=str(asked)[:40],
            remedy="ask for smaller pages and follow `next_cursor`",
        )
    return asked


async def _enrolment(
    request: Request, runtime: Runtime
) -> tuple[NDArray[np.float32], TrackletMetadata, FramesAnswer | None]:
    """Embedding [d], metadata and, for an upload, what became of its frames."""
    if media_type(request) == MULTIPART:
        form = await read_form(request, runtime.settings, json_field="metadata")
        metadata = _metadata(parse_json(MetadataBody, form.json, fault=InvalidMetadata))
        embedded = await runtime.embed(form.frames)
        return embedded.embedding, metadata, frames_answer(embedded.decoded)
    if media_type(request) == JSON:
        raw = await read_json(request, runtime.settings)
        body = parse_json(EnrollBody, raw, fault=InvalidInput)
        return decode_embedding(body.embedding), _metadata(body.metadata), None
    raise unsupported(request, MULTIPART, JSON)


def _metadata(body: MetadataBody) -> TrackletMetadata:
    return TrackletMetadata(
        identity=body.identity,
        camera=body.camera,
        start_s=body.start,
        end_s=body.end,
        attributes=body.attributes,
    )


def _page_filter(query: PageQuery) -> TrackletFilter:
    return TrackletFilter(
        cameras=None if query.camera is None else frozenset({query.camera}),
        identity=query.identity,
        start_s=query.start,
        end_s=query.end,
    )


def _tracklet_answer(record: TrackletRecord) -> TrackletAnswer:
    metadata = record.metadata
    return TrackletAnswer(
        tracklet_id=record.tracklet_id,
        identity=metadata.identity,
        camera=metadata.camera,
        start=metadata.start_s,
        end=metadata.end_s,
        attributes=dict(metadata.attributes),
        seq=record.seq,
        enrolled=record.enrolled_s,
    )
