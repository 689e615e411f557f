"""`/search`: a tracklet in, the tracklets or identities nearest to it out."""

from fastapi import APIRouter, Request, Response

from model.manifest import Manifest
from service.access.principal import AccessScope
from service.api.access import requires
from service.api.answers import FramesAnswer, MatchAnswer, SearchAnswer
from service.api.audited import Audit, RequestAudit
from service.api.deadline import NOTHING_KEPT
from service.api.dependencies import (
    FRAME_BODIES,
    JSON,
    OpenRuntime,
    RequestDeadline,
    frames_answer,
    media_type,
    model_answer,
    read_json,
    unsupported,
)
from service.api.embedding_codec import embedding_of_model
from service.api.frames_in import carries_frames, read_upload
from service.api.gallery_seq import MinSeq, later_of, show_seq
from service.api.request_docs import body_docs
from service.api.request_urgency import UsuallyInteractive
from service.api.schemas import SearchBody, SearchOptionsBody
from service.api.search_decision import (
    match_probability,
    require_calibrated_rate,
    search_decision,
)
from service.api.search_options import search_options
from service.api.validation import parse_json
from service.batching.urgency import Urgency
from service.errors import InvalidQuery
from service.gallery.gallery import Answered
from service.gallery.ranking.search import Match, SearchOptions, SearchResult
from service.metrics import Metrics
from service.runtime import Runtime

router = APIRouter(tags=["search"], dependencies=[requires(AccessScope.SEARCH)])


@router.post(
    "/search",
    openapi_extra=body_docs(field="query", in_field=SearchOptionsBody, as_json=SearchBody),
)
async def search(
    request: Request,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    urgency: UsuallyInteractive,
    min_seq: MinSeq,
    audit: RequestAudit,
) -> SearchAnswer:
    """Search by frames (options in the field `query`), an embedding or an enrolled tracklet."""
    async with deadline.bounding(NOTHING_KEPT):
        if carries_frames(request):
            answer = await _search_by_frames(request, runtime, min_seq, audit, urgency)
        elif media_type(request) == JSON:
            answer = await _search_by_json(request, runtime, min_seq, audit)
        else:
            raise unsupported(request, *FRAME_BODIES, JSON)
    show_seq(response, answer.seq)
    metrics: Metrics = request.app.state.metrics
    metrics.searched(tier=answer.tier, exact=answer.exact)
    return answer


async def _search_by_frames(
    request: Request, runtime: Runtime, min_seq: int | None, audit: Audit, urgency: Urgency
) -> SearchAnswer:
    runtime.require_room(urgency)
    upload = await read_upload(request, runtime.settings, json_field="query")
    body = parse_json(SearchOptionsBody, upload.json, fault=InvalidQuery)
    options = search_options(body, runtime.settings)
    require_calibrated_rate(runtime.manifest, body.false_accept_rate)
    audit.note("search", body.gallery)
    embedded = await runtime.embed(upload.source, urgency=urgency)
    found = await runtime.gallery.search(
        body.gallery, embedded.embedding, options, min_seq=later_of(body.min_seq, min_seq)
    )
    return _search_answer(runtime, body, options, found, frames_answer(embedded.decoded))


async def _search_by_json(
    request: Request, runtime: Runtime, min_seq: int | None, audit: Audit
) -> SearchAnswer:
    raw = await read_json(request, runtime.settings.max_json_bytes)
    body = parse_json(SearchBody, raw, fault=InvalidQuery)
    options = search_options(body, runtime.settings)
    require_calibrated_rate(runtime.manifest, body.false_accept_rate)
    audit.note("search", body.gallery, body.tracklet_id)
    asked_seq = later_of(body.min_seq, min_seq)
    gallery = runtime.gallery
    if body.embedding is not None:
        served = runtime.manifest.model.fingerprint
        embedding = embedding_of_model(body.embedding, stated=body.model, served=served)
        found = await gallery.search(body.gallery, embedding, options, min_seq=asked_seq)
    else:
        found = await gallery.search_tracklet(
            body.gallery, body.tracklet_id or "", options, min_seq=asked_seq
        )
    return _search_answer(runtime, body, options, found, None)


def _search_answer(
    runtime: Runtime,
    body: SearchOptionsBody,
    options: SearchOptions,
    found: Answered[SearchResult],
    frames: FramesAnswer | None,
) -> SearchAnswer:
    result = found.value
    rate = body.false_accept_rate or runtime.settings.false_accept_rate
    decided = search_decision(runtime.manifest, result, rate)
    return SearchAnswer(
        matches=[_match_answer(runtime.manifest, match, options) for match in result.matches],
        searched=result.searched,
        exact=result.exact,
        complete=result.complete,
        truncated=result.truncated,
        tier=result.tier,
        seq=result.seq,
        gallery=body.gallery,
        gallery_id=found.gallery.gallery_id,
        model=model_answer(runtime),
        frames=frames,
        decision=decided.decision,
        threshold=decided.threshold,
        false_accept_rate=decided.false_accept_rate,
        margin_to_second=decided.margin_to_second,
        warnings=list(decided.warnings),
    )


def _match_answer(manifest: Manifest, match: Match, options: SearchOptions) -> MatchAnswer:
    return MatchAnswer(
        rank=match.rank,
        similarity=match.similarity,
        reranked=match.reranked,
        tracklet_id=match.tracklet_id,
        identity=match.metadata.identity,
        camera=match.metadata.camera,
        start=match.metadata.start_s,
        end=match.metadata.end_s,
        attributes=dict(match.metadata.attributes),
        seq=match.seq,
        tracklets=match.tracklets,
        probability=match_probability(manifest, match.similarity, options),
    )
