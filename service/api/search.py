"""`/search`: a tracklet in, the tracklets or identities nearest to it out."""

from fastapi import APIRouter, Request

from service.api.answers import FramesAnswer, MatchAnswer, SearchAnswer
from service.api.deadline import NOTHING_KEPT
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
from service.api.embedding_codec import decode_embedding
from service.api.request_docs import body_docs
from service.api.schemas import SearchBody, SearchOptionsBody
from service.api.validation import parse_json
from service.errors import InvalidQuery
from service.gallery.filters import TrackletFilter
from service.gallery.gallery import Match, SearchOptions, SearchResult
from service.runtime import Runtime
from service.settings import Settings

router = APIRouter(tags=["search"])


@router.post(
    "/search",
    openapi_extra=body_docs(field="query", in_field=SearchOptionsBody, as_json=SearchBody),
)
async def search(request: Request, runtime: OpenRuntime, deadline: RequestDeadline) -> SearchAnswer:
    """Search by frames (options in the field `query`), an embedding or an enrolled tracklet."""
    async with deadline.bounding(NOTHING_KEPT):
        if media_type(request) == MULTIPART:
            return await _search_by_frames(request, runtime)
        if media_type(request) == JSON:
            return await _search_by_json(request, runtime)
    raise unsupported(request, MULTIPART, JSON)


async def _search_by_frames(request: Request, runtime: Runtime) -> SearchAnswer:
    form = await read_form(request, runtime.settings, json_field="query")
    body = parse_json(SearchOptionsBody, form.json, fault=InvalidQuery)
    options = _options(body, runtime.settings)
    embedded = await runtime.embed(form.frames)
    result = await runtime.gallery.search(body.gallery, embedded.embedding, options)
    return _search_answer(runtime, body.gallery, result, frames_answer(embedded.decoded))


async def _search_by_json(request: Request, runtime: Runtime) -> SearchAnswer:
    raw = await read_json(request, runtime.settings)
    body = parse_json(SearchBody, raw, fault=InvalidQuery)
    options = _options(body, runtime.settings)
    if body.embedding is not None:
        embedding = decode_embedding(body.embedding)
        result = await runtime.gallery.search(body.gallery, embedding, options)
    else:
        result = await runtime.gallery.search_tracklet(
            body.gallery, body.tracklet_id or "", options
        )
    return _search_answer(runtime, body.gallery, result, None)


def _options(body: SearchOptionsBody, settings: Settings) -> SearchOptions:
    if body.top_k > settings.max_top_k:
        raise InvalidQuery(
            expected=f"`top_k` of at most {settings.max_top_k}",
            received=str(body.top_k)[:40],
            remedy="ask for fewer matches, or raise the service's limit",
        )
    return SearchOptions(
        top_k=body.top_k,
        exclude_same_camera=body.exclude_same_camera,
        query_camera=body.camera,
        filter=TrackletFilter(
            cameras=None if body.cameras is None else frozenset(body.cameras),
            start_s=body.start,
            end_s=body.end,
        ),
        group_by=body.group_by,
        min_similarity=body.min_similarity,
    )


def _search_answer(
    runtime: Runtime, gallery: str, result: SearchResult, frames: FramesAnswer | None
) -> SearchAnswer:
    return SearchAnswer(
        matches=[_match_answer(match) for match in result.matches],
        searched=result.searched,
        seq=result.seq,
        gallery=gallery,
        model=model_answer(runtime),
        frames=frames,
    )


def _match_answer(match: Match) -> MatchAnswer:
    return MatchAnswer(
        rank=match.rank,
        similarity=match.similarity,
        tracklet_id=match.tracklet_id,
        identity=match.metadata.identity,
        camera=match.metadata.camera,
        start=match.metadata.start_s,
        end=match.metadata.end_s,
        attributes=dict(match.metadata.attributes),
    )
