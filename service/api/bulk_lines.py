"""Lines that enroll, a chunk at a time: each is answered, in order, and a last line sums up."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from fastapi import Request

from service.api.answers import FramesAnswer
from service.api.dependencies import media_type, unsupported
from service.api.error_handlers import line_error
from service.api.gallery_answers import BulkEndAnswer, LineAnswer
from service.api.lines_in import NDJSON, Line, LineLimits
from service.api.lines_out import json_line
from service.errors import ReidError
from service.gallery.enrolment import Enrolled, Enrolment, enroll_each
from service.gallery.gallery import GalleryService
from service.gallery.open_gallery import OpenGallery
from service.gallery.stores.batch import MOST_CHANGES
from service.settings import Settings

STREAMED_PATHS = ("/tracklets:bulk", "/import", "/embed:bulk")
"""How the paths end that take lines."""

_MOST_CHUNK_BYTES = 4 * 2**20

Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A line: a tracklet to enroll, or why it is none; neither where it says other things.

    Attributes:
        tracklet_id: Of a line with an error, where it is known.
        frames: What became of the frames that the embedding was made of.
    """

    number: int
    enrolment: Enrolment | None = None
    error: ReidError | None = None
    tracklet_id: str | None = None
    frames: FramesAnswer | None = None


def require_lines(request: Request) -> None:
    """Refuse a body of another type.

    Raises:
        UnsupportedMediaType: When the body is not lines.
    """
    if media_type(request) != NDJSON:
        raise unsupported(request, NDJSON)


def held_bytes(settings: Settings) -> int:
    """Of one body, roughly: a chunk as it came, what was read ahead, and what it was read as."""
    return 4 * max(_MOST_CHUNK_BYTES, settings.max_frames_line_bytes)


def frame_line_limits(settings: Settings) -> LineLimits:
    """As `line_limits`, of lines that are worked on one by one, as soon as they come."""
    limits = line_limits(settings, frames=True)
    return replace(limits, most_lines=settings.bulk_tracklets, pause_s=0.0)


def line_limits(settings: Settings, *, frames: bool) -> LineLimits:
    """How much of a body of lines is held at a time.

    Args:
        settings: Of the service.
        frames: Whether lines may carry frames.
    """
    return LineLimits(
        most_lines=MOST_CHANGES,
        most_chunk_bytes=_MOST_CHUNK_BYTES,
        most_line_bytes=settings.max_frames_line_bytes if frames else settings.max_json_bytes,
        idle_s=settings.request_timeout_s,
    )


async def parsed_chunks(
    service: GalleryService, chunks: AsyncIterator[list[Line]], parse: Callable[[Line], Said]
) -> AsyncIterator[list[Said]]:
    """What the lines say, read in a thread of the service."""
    async for chunk in chunks:
        yield await service.in_thread(partial(_parsed, chunk, parse))


def _parsed(chunk: list[Line], parse: Callable[[Line], Said]) -> list[Said]:
    return [parse(line) for line in chunk]


@dataclass(slots=True)
class BulkEnrolment:
    """Enrolls what the lines of one request say.

    Args:
        request: For what is said of errors.
        service: Whose threads do the work.
        gallery: Resolved when the request came: an alias may be moved meanwhile.
        is_complete: Asked at the end.
        enrolled: Told how many tracklets were enrolled, also when the lines end early.
    """

    request: Request
    service: GalleryService
    gallery: OpenGallery
    is_complete: Callable[[], bool]
    enrolled: Callable[[int], None]
    _received: int = 0
    _counts: dict[str, int] = field(default_factory=lambda: {"created": 0, "replaced": 0})
    _failed: int = 0
    _seq: int | None = None

    async def answers(self, chunks: AsyncIterator[list[ParsedLine]]) -> AsyncGenerator[bytes, None]:
        """Answer lines, for one chunk after the other, and the last line."""
        try:
            async for parsed in chunks:
                for lines in _of_different_ids(parsed):
                    told = await self._told(lines)
                    if told:
                        yield b"".join(told)
        finally:
            self.enrolled(sum(self._counts.values()))
        yield json_line(self._end())

    async def _told(self, lines: Sequence[ParsedLine]) -> list[bytes]:
        enrolments = [line.enrolment for line in lines if line.enrolment is not None]
        results: Iterator[Enrolled] = iter(())
        if enrolments:
            done = await self.service.write(
                self.gallery, lambda held: enroll_each(held, enrolments)
            )
            results = iter(done.value)
        return [
            json_line(self._answer(line, None if line.enrolment is None else next(results)))
            for line in lines
            if line.enrolment is not None or line.error is not None
        ]

    def _answer(self, line: ParsedLine, result: Enrolled | None) -> LineAnswer:
        error = line.error if result is None else result.error
        self._received += 1
        name = line.tracklet_id if line.enrolment is None else line.enrolment.tracklet_id
        if error is not None or result is None or result.outcome is None:
            self._failed += 1
            detail = None if error is None else line_error(self.request, error)
            return LineAnswer(line=line.number, tracklet_id=name, error=detail)
        self._counts[result.outcome] += 1
        self._seq = result.seq
        return LineAnswer(
            line=line.number,
            tracklet_id=name,
            outcome=result.outcome,
            seq=result.seq,
            visible=result.visible,
            frames=line.frames,
        )

    def _end(self) -> BulkEndAnswer:
        return BulkEndAnswer(
            gallery=self.gallery.name,
            gallery_id=self.gallery.gallery_id,
            received=self._received,
            created=self._counts["created"],
            replaced=self._counts["replaced"],
            failed=self._failed,
            seq=self._seq,
            complete=self.is_complete(),
        )


def _of_different_ids(parsed: Sequence[ParsedLine]) -> Iterator[list[ParsedLine]]:
    """Runs of lines that can be one write: a tracklet that comes again replaces the one before."""
    run: list[ParsedLine] = []
    seen: set[str] = set()
    for line in parsed:
        name = None if line.enrolment is None else line.enrolment.tracklet_id
        if name in seen or len(run) == MOST_CHANGES:
            yield run
            run, seen = [], set()
        run.append(line)
        if name is not None:
            seen.add(name)
    if run:
        yield run
