"""`/embed`: frames in, an embedding out, nothing kept."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.answers import EmbedAnswer
from service.api.deadline import NOTHING_KEPT
from service.api.dependencies import (
    OpenRuntime,
    RequestDeadline,
    frames_answer,
    model_answer,
)
from service.api.embedding_codec import embedding_base64, embedding_numbers
from service.api.frames_in import read_upload
from service.api.request_docs import body_docs
from service.api.request_urgency import UsuallyBulk
from service.api.schemas import EmbedQuery

router = APIRouter(tags=["embed"], dependencies=[requires(AccessScope.EMBED)])


@router.post("/embed", openapi_extra=body_docs())
async def embed(
    request: Request,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    urgency: UsuallyBulk,
    query: Annotated[EmbedQuery, Query()],
) -> EmbedAnswer:
    """Embed one tracklet: its frames in time order, or a video of crops."""
    async with deadline.bounding(NOTHING_KEPT):
        runtime.require_room(urgency)
        upload = await read_upload(request, runtime.settings, json_field=None)
        embedded = await runtime.embed(upload.source, urgency=urgency)
    encode = embedding_base64 if query.encoding == "base64" else embedding_numbers
    return EmbedAnswer(
        embedding=encode(embedded.embedding),
        dimension=len(embedded.embedding),
        model=model_answer(runtime),
        frames=frames_answer(embedded.decoded),
    )
