"""`/embed:bulk`: a tracklet's frames on each line, its embedding on each line of the answer."""

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.base64_frames import decode_frames
from service.api.bulk_lines import frame_line_limits, parsed_chunks, require_lines
from service.api.dependencies import OpenRuntime, frames_answer
from service.api.embed_answers import EmbedEndAnswer, EmbedLineAnswer
from service.api.embedding_codec import embedding_base64, embedding_numbers
from service.api.error_handlers import line_error
from service.api.in_order import in_order
from service.api.line_schemas import EmbedLine
from service.api.lines_in import Line, read_chunks
from service.api.lines_out import json_line, stream_lines
from service.api.patient_embedding import embed_patiently
from service.api.request_docs import line_answers, lines_docs
from service.api.request_urgency import EachPace, Pace
from service.api.schemas import EmbedQuery
from service.api.validation import parse_json
from service.errors import InvalidInput, ReidError
from service.media.tracklet_source import EncodedFrames
from service.runtime import Runtime

router = APIRouter(tags=["embed"], dependencies=[requires(AccessScope.EMBED)])


@router.post(
    "/embed:bulk",
    openapi_extra=lines_docs(EmbedLine),
    response_class=Response,
    responses=line_answers(EmbedLineAnswer, EmbedEndAnswer),
)
async def embed_bulk(
    request: Request,
    runtime: OpenRuntime,
    pace: EachPace,
    query: Annotated[EmbedQuery, Query()],
) -> Response:
    """Embed a tracklet a line; nothing is kept. Each line is answered, or told what is wrong.

    Answers come while lines are still being sent, and no more is read than can be worked on: take
    them meanwhile. `X-Timeout-S` is the time of each line.
    """
    require_lines(request)
    lines = _Lines(request, runtime, pace, query)
    chunks = read_chunks(request.stream(), frame_line_limits(runtime.settings))
    return await stream_lines(
        request, lines.answers(chunks), stall_s=runtime.settings.request_timeout_s
    )


@dataclass(frozen=True, slots=True)
class _Frames:
    """A line that can be embedded."""

    number: int
    tracklet_id: str | None
    source: EncodedFrames


@dataclass(frozen=True, slots=True)
class _Lines:
    request: Request
    runtime: Runtime
    pace: Pace
    query: EmbedQuery

    async def answers(self, chunks: AsyncIterator[list[Line]]) -> AsyncGenerator[bytes, None]:
        """Every line's answer, and the last line."""
        embedded = failed = 0
        parsed = parsed_chunks(self.runtime.gallery, chunks, self._parse)
        width = self.runtime.settings.bulk_tracklets
        async with aclosing(in_order(parsed, self._answer, width=width)) as answered:
            async for answers in answered:
                wrong = sum(answer.error is not None for answer in answers)
                embedded, failed = embedded + len(answers) - wrong, failed + wrong
                yield b"".join(map(json_line, answers))
        yield json_line(
            EmbedEndAnswer(received=embedded + failed, embedded=embedded, failed=failed)
        )

    def _parse(self, line: Line) -> _Frames | EmbedLineAnswer:
        try:
            said = parse_json(EmbedLine, line.raw, fault=InvalidInput)
            source = decode_frames(said.frames, most=self.runtime.settings.max_frames)
        except ReidError as error:
            return self._refused(line.number, None, error)
        return _Frames(line.number, said.tracklet_id, source)

    def _answer(
        self, line: _Frames | EmbedLineAnswer
    ) -> EmbedLineAnswer | Coroutine[None, None, EmbedLineAnswer]:
        return line if isinstance(line, EmbedLineAnswer) else self._embedded(line)

    async def _embedded(self, line: _Frames) -> EmbedLineAnswer:
        try:
            embedded = await embed_patiently(self.runtime, line.source, *self.pace.begin())
        except ReidError as error:
            return self._refused(line.number, line.tracklet_id, error)
        encode = embedding_base64 if self.query.encoding == "base64" else embedding_numbers
        return EmbedLineAnswer(
            line=line.number,
            tracklet_id=line.tracklet_id,
            embedding=encode(embedded.embedding),
            model=self.runtime.manifest.model.fingerprint,
            frames=frames_answer(embedded.decoded),
        )

    def _refused(self, number: int, name: str | None, error: ReidError) -> EmbedLineAnswer:
        detail = line_error(self.request, error)
        return EmbedLineAnswer(line=number, tracklet_id=name, error=detail)
