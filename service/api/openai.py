"""`/v1/embeddings`: OpenAI's convention, with tracklets of data URIs in place of texts."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.base64_frames import decode_frames
from service.api.deadline import NOTHING_KEPT, Deadline
from service.api.dependencies import JSON, OpenRuntime, RequestDeadline, read_json_only
from service.api.embedding_codec import embedding_base64, embedding_numbers
from service.api.error_shapes import OpenaiErrorAnswer
from service.api.in_order import in_order
from service.api.model_names import require_served
from service.api.openai_schemas import EmbeddingItem, EmbeddingsAnswer, EmbeddingsBody, Usage
from service.api.patient_embedding import embed_patiently
from service.api.request_docs import json_docs
from service.api.request_urgency import UsuallyBulk
from service.api.validation import parse_json
from service.batching.urgency import Urgency
from service.errors import InvalidInput
from service.media.tracklet_source import EncodedFrames
from service.runtime import EmbeddedTracklet, Runtime

router = APIRouter(tags=["embed"], dependencies=[requires(AccessScope.EMBED)])

_ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {"model": OpenaiErrorAnswer, "description": "Every error"}
}


@router.post(
    "/v1/embeddings",
    openapi_extra=json_docs(EmbeddingsBody),
    response_model=EmbeddingsAnswer,
    responses=_ERRORS,
)
async def embeddings(
    request: Request, runtime: OpenRuntime, deadline: RequestDeadline, urgency: UsuallyBulk
) -> Response:
    """Embed tracklets as OpenAI's clients ask for it: all of them, or an error.

    `input` is a list of tracklets, a tracklet a list of data URIs; nothing is fetched. `usage`
    counts frames.
    """
    async with deadline.bounding(NOTHING_KEPT):
        raw = await read_json_only(request, runtime.settings.max_body_bytes)
        body, sources = await runtime.gallery.in_thread(lambda: _asked(raw, runtime))
        embedded = await _embedded(runtime, sources, deadline, urgency)
        answer = await runtime.gallery.in_thread(lambda: _answer(runtime, body, embedded))
    return Response(answer, media_type=JSON)


def _asked(raw: bytes, runtime: Runtime) -> tuple[EmbeddingsBody, list[EncodedFrames]]:
    body = parse_json(EmbeddingsBody, raw, fault=InvalidInput)
    require_served(runtime, body.model)
    dimension = runtime.manifest.output.dimension
    if body.dimensions not in (None, dimension):
        raise InvalidInput(
            expected=f"`dimensions` of {dimension}, or left out",
            received=str(body.dimensions)[:40],
            remedy="leave it out: embeddings cannot be shortened",
        )
    most = runtime.settings.max_frames
    sources = [
        decode_frames(tracklet, most=most, name=f"input[{place}]")
        for place, tracklet in enumerate(body.input)
    ]
    return body, sources


async def _embedded(
    runtime: Runtime, sources: list[EncodedFrames], deadline: Deadline, urgency: Urgency
) -> list[EmbeddedTracklet]:
    """A full service says so at once, but tracklets wait for others of their own request."""

    async def embed(numbered: tuple[int, EncodedFrames]) -> EmbeddedTracklet:
        place, source = numbered
        if place == 0:
            return await runtime.embed(source, urgency=urgency)
        return await embed_patiently(runtime, source, deadline, urgency)

    async def chunks() -> AsyncIterator[list[tuple[int, EncodedFrames]]]:
        yield list(enumerate(sources))

    embedded: list[EmbeddedTracklet] = []
    width = runtime.settings.bulk_tracklets
    results: AsyncGenerator[list[EmbeddedTracklet], None]
    results = in_order(chunks(), embed, width=width)
    async with aclosing(results):
        async for ready in results:
            embedded += ready
    return embedded


def _answer(runtime: Runtime, body: EmbeddingsBody, embedded: list[EmbeddedTracklet]) -> bytes:
    encode = embedding_base64 if body.encoding_format == "base64" else embedding_numbers
    frames = sum(len(each.decoded.used) for each in embedded)
    answer = EmbeddingsAnswer(
        data=[
            EmbeddingItem(index=place, embedding=encode(each.embedding))
            for place, each in enumerate(embedded)
        ],
        model=runtime.manifest.model.name,
        usage=Usage(prompt_tokens=frames, total_tokens=frames),
    )
    return orjson.dumps(answer.model_dump())
