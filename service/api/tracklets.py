"""`/galleries/{gallery}/tracklets`: enroll, read, list and forget tracklets."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray

from service.access.principal import AccessScope
from service.api.access import check_scope, principal_of, requires
from service.api.answers import (
    DeletedTrackletAnswer,
    EnrollAnswer,
    FramesAnswer,
    PageAnswer,
    TrackletAnswer,
)
from service.api.audited import RequestAudit
from service.api.deadline import NOTHING_KEPT, OUTCOME_UNKNOWN
from service.api.dependencies import (
    FRAME_BODIES,
    JSON,
    OpenRuntime,
    RequestDeadline,
    frames_answer,
    media_type,
    model_answer,
    page_limit,
    read_json,
    unsupported,
)
from service.api.embedding_codec import embedding_numbers, embedding_of_model
from service.api.erasures import ACCEPTED, TrackletErasing
from service.api.filter_json import read_filter_text, time_window
from service.api.forgetting_answers import ErasureAnswer
from service.api.frames_in import carries_frames, read_upload
from service.api.gallery_seq import MinSeq, later_of, show_seq
from service.api.request_docs import body_docs
from service.api.request_urgency import UsuallyBulk
from service.api.schemas import EnrollBody, MetadataBody, PageQuery, TrackletQuery
from service.api.tracklet_wire import metadata_of, tracklet_answer
from service.api.validation import parse_json
from service.api.write_conditions import (
    Conditions,
    DeleteConditions,
    WriteConditions,
    seq_tag,
)
from service.batching.urgency import Urgency
from service.errors import InvalidInput, InvalidMetadata
from service.gallery.deletion import delete_one
from service.gallery.enrolment import Enrolment
from service.gallery.erasure_places import Subject
from service.gallery.filter_tree import Equals, Filter, Joined
from service.gallery.listing import Paging, list_tracklets
from service.gallery.records import TrackletMetadata, check_identifier
from service.gallery.stores.batch import IdempotencyKey
from service.runtime import Runtime

router = APIRouter(prefix="/galleries/{gallery}", tags=["tracklets"])

_EMBEDDINGS = frozenset({AccessScope.ADMIN})
"""What a stored embedding can be read by: it is biometric, as all that an export holds."""

_ONE = "/tracklets/{tracklet_id:path}"
"""A path, so that an id with a slash meets the rule for ids and not a bare 404."""


@router.put(
    _ONE,
    dependencies=[requires(AccessScope.GALLERY_WRITE)],
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
    urgency: UsuallyBulk,
    conditions: Conditions,
) -> EnrollAnswer:
    """Enroll a tracklet, or replace the one with this id: 201 when new, 200 when replaced."""
    check_identifier("tracklet id", tracklet_id)
    async with deadline.bounding(NOTHING_KEPT):
        came = await _tracklet(request, runtime, urgency)
    enrolment = Enrolment(tracklet_id, came.embedding, came.metadata, conditions.if_seq)
    async with deadline.bounding(OUTCOME_UNKNOWN):
        key = await _idempotency(runtime, conditions, tracklet_id, came.sent)
        enrolled = await runtime.gallery.enroll(gallery, enrolment, idempotency=key)
    written = enrolled.value
    created = written.outcomes == ("created",)
    response.status_code = 201 if created else 200
    show_seq(response, written.seq)
    return EnrollAnswer(
        tracklet_id=tracklet_id,
        gallery=gallery,
        gallery_id=enrolled.gallery.gallery_id,
        seq=written.seq,
        created=created,
        visible=written.visible,
        repeated=written.repeated,
        frames=came.frames,
        model=model_answer(runtime),
    )


async def _idempotency(
    runtime: Runtime, conditions: WriteConditions, tracklet_id: str, sent: tuple[bytes, ...]
) -> IdempotencyKey | None:
    """The key with what it stands for; pixels are many, so that not the event loop reads them."""
    if conditions.key is None:
        return None
    return await runtime.gallery.in_thread(
        lambda: conditions.idempotency(b"enroll", tracklet_id.encode(), *sent)
    )


async def allowed_query(
    request: Request, query: Annotated[TrackletQuery, Query()]
) -> TrackletQuery:
    """What is asked of one tracklet, by somebody who may.

    Raises:
        Forbidden: When its embedding is asked for by a key without the scope `admin`.
    """
    if query.embedding:
        check_scope(principal_of(request.scope), _EMBEDDINGS)
    return query


@router.get(_ONE, dependencies=[requires(AccessScope.SEARCH)])
async def read(
    gallery: str,
    tracklet_id: str,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    query: Annotated[TrackletQuery, Depends(allowed_query)],
    min_seq: MinSeq,
    audit: RequestAudit,
) -> TrackletAnswer:
    """One tracklet; its embedding only with `?embedding=true`, by a key with the scope `admin`."""
    check_identifier("tracklet id", tracklet_id)
    async with deadline.bounding(NOTHING_KEPT):
        if query.embedding:
            await audit.record("read_embedding", gallery, tracklet_id)
        found = await runtime.gallery.get(
            gallery, tracklet_id, min_seq=later_of(query.min_seq, min_seq)
        )
    record = found.value
    response.headers["ETag"] = seq_tag(record.seq)
    answer = tracklet_answer(record)
    if query.embedding:
        return answer.model_copy(update={"embedding": embedding_numbers(record.embedding)})
    return answer


@router.delete(_ONE, dependencies=[requires(AccessScope.GALLERY_WRITE)], responses=ACCEPTED)
async def forget(
    gallery: str,
    tracklet_id: str,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    conditions: DeleteConditions,
    audit: RequestAudit,
    erasing: TrackletErasing,
) -> DeletedTrackletAnswer | ErasureAnswer:
    """Delete one tracklet; with `?erase=true` no byte of it is left either."""
    check_identifier("tracklet id", tracklet_id)
    if erasing.asked:
        return await erasing.erase(gallery, Subject(tracklet_id=tracklet_id), response)
    key = conditions.idempotency(b"delete", tracklet_id.encode())
    async with deadline.bounding(OUTCOME_UNKNOWN):
        await audit.record("delete", gallery, tracklet_id)
        deleted = await runtime.gallery.write(
            gallery,
            lambda held: delete_one(held, tracklet_id, if_seq=conditions.if_seq, idempotency=key),
        )
    written = deleted.value
    show_seq(response, written.seq)
    return DeletedTrackletAnswer(
        deleted=True, seq=written.seq, visible=written.visible, repeated=written.repeated
    )


@router.get("/tracklets", dependencies=[requires(AccessScope.SEARCH)])
async def list_page(
    gallery: str,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    query: Annotated[PageQuery, Query()],
    min_seq: MinSeq,
) -> PageAnswer:
    """One page of tracklets in the order of their ids, without embeddings."""
    paging = Paging(query.cursor, page_limit(query.limit, runtime.settings.max_page))
    chosen = _page_filter(query)
    asked_seq = later_of(query.min_seq, min_seq)
    async with deadline.bounding(NOTHING_KEPT):
        listed = await runtime.gallery.read(
            gallery,
            lambda held: list_tracklets(
                held,
                chosen,
                paging,
                min_seq=asked_seq,
                within_s=runtime.settings.min_seq_within_s,
            ),
        )
    page = listed.value
    show_seq(response, page.seq)
    return PageAnswer(
        tracklets=[tracklet_answer(record) for record in page.records],
        next_cursor=page.next_cursor,
        seq=page.seq,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Tracklet:
    """A tracklet as it came: by frames or by embedding [d].

    Attributes:
        sent: The bytes that make it the same request when it is repeated.
        frames: What became of the frames; None without any.
    """

    embedding: NDArray[np.float32]
    metadata: TrackletMetadata
    sent: tuple[bytes, ...]
    frames: FramesAnswer | None


async def _tracklet(request: Request, runtime: Runtime, urgency: Urgency) -> _Tracklet:
    if carries_frames(request):
        runtime.require_room(urgency)
        upload = await read_upload(request, runtime.settings, json_field="metadata")
        metadata = metadata_of(parse_json(MetadataBody, upload.json, fault=InvalidMetadata))
        embedded = await runtime.embed(upload.source, urgency=urgency)
        return _Tracklet(embedded.embedding, metadata, upload.sent, frames_answer(embedded.decoded))
    if media_type(request) == JSON:
        raw = await read_json(request, runtime.settings.max_json_bytes)
        body = parse_json(EnrollBody, raw, fault=InvalidInput)
        served = runtime.manifest.model.fingerprint
        embedding = embedding_of_model(body.embedding, stated=body.model, served=served)
        return _Tracklet(embedding, metadata_of(body.metadata), (raw,), None)
    raise unsupported(request, *FRAME_BODIES, JSON)


def _page_filter(query: PageQuery) -> Filter:
    rules: list[Filter] = []
    if query.camera is not None:
        rules.append(Equals("camera", (query.camera,)))
    if query.identity is not None:
        rules.append(Equals("identity", (query.identity,)))
    rules += time_window(query.start, query.end)
    if query.filter is not None:
        rules.append(read_filter_text(query.filter))
    return Joined(tuple(rules))
