"""`/galleries/{gallery}/tracklets:bulk` and `/import`: as many tracklets as there are lines."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.audited import RequestAudit
from service.api.bulk_frames import BulkFrames
from service.api.bulk_lines import BulkEnrolment, line_limits, parsed_chunks, require_lines
from service.api.dependencies import OpenRuntime
from service.api.gallery_answers import BulkEndAnswer, LineAnswer
from service.api.gallery_schemas import ExportLine
from service.api.imported_lines import ImportedLines, read_header
from service.api.in_order import in_order
from service.api.line_schemas import BulkLine
from service.api.lines_in import Line, read_chunks
from service.api.lines_out import stream_lines
from service.api.request_docs import line_answers, lines_docs
from service.api.request_urgency import EachPace

router = APIRouter(
    prefix="/galleries/{gallery}",
    tags=["tracklets"],
    dependencies=[requires(AccessScope.GALLERY_WRITE)],
)

_ANSWERS = line_answers(LineAnswer, BulkEndAnswer)


@router.post(
    "/tracklets:bulk",
    openapi_extra=lines_docs(BulkLine),
    response_class=Response,
    responses=_ANSWERS,
)
async def bulk(
    gallery: str, request: Request, runtime: OpenRuntime, pace: EachPace, audit: RequestAudit
) -> Response:
    """Enroll a tracklet a line; each line is answered, and those that can be enrolled are.

    A line carries an `embedding`, or `frames` that are embedded, each within `X-Timeout-S`.
    Answers come while lines are still being read: take them meanwhile, or send a few thousand
    lines at a time. Of an id that comes twice the later line replaces the earlier one.
    """
    require_lines(request)
    held = await runtime.gallery.open(gallery, of_this_model=True)
    frames = BulkFrames(runtime, pace)
    enrolment = BulkEnrolment(
        request,
        runtime.gallery,
        held,
        is_complete=lambda: True,
        enrolled=lambda count: audit.note("bulk", gallery, count=count),
    )
    chunks = read_chunks(request.stream(), line_limits(runtime.settings, frames=True))
    said = parsed_chunks(runtime.gallery, chunks, frames.parse)
    lines = in_order(said, frames.ready, width=runtime.settings.bulk_tracklets)
    return await stream_lines(
        request, enrolment.answers(lines), stall_s=runtime.settings.request_timeout_s
    )


@router.post(
    "/import",
    tags=["galleries"],
    openapi_extra=lines_docs(ExportLine),
    response_class=Response,
    responses=_ANSWERS,
)
async def import_lines(
    gallery: str, request: Request, runtime: OpenRuntime, audit: RequestAudit
) -> Response:
    """Enroll what `/export` of a gallery of the same model answered; may be repeated.

    Moments of enrolment and expiry are kept; the `seq` of each tracklet is that of its new write.
    """
    require_lines(request)
    held = await runtime.gallery.open(gallery)
    chunks = read_chunks(request.stream(), line_limits(runtime.settings, frames=False))
    first: list[Line] = await anext(chunks, [])
    lines = ImportedLines(read_header(first, held))
    enrolment = BulkEnrolment(
        request,
        runtime.gallery,
        held,
        is_complete=lambda: lines.is_complete,
        enrolled=lambda count: audit.note("import", gallery, count=count),
    )
    said = parsed_chunks(runtime.gallery, _after_header(first, chunks), lines.parse)
    answers = enrolment.answers(said)
    return await stream_lines(request, answers, stall_s=runtime.settings.request_timeout_s)


async def _after_header(
    first: list[Line], chunks: AsyncIterator[list[Line]]
) -> AsyncIterator[list[Line]]:
    if first[1:]:
        yield first[1:]
    async for chunk in chunks:
        yield chunk
