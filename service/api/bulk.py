"""`/galleries/{gallery}/tracklets:bulk` and `/import`: as many tracklets as there are lines."""

from collections.abc import AsyncIterator
from functools import partial

from fastapi import APIRouter, Request, Response

from service.api.access import AccessScope, requires
from service.api.audited import RequestAudit
from service.api.batches import enrolment_of
from service.api.bulk_lines import BulkEnrolment, ParsedLine, line_limits
from service.api.dependencies import OpenRuntime, media_type, unsupported
from service.api.gallery_answers import BulkEndAnswer, LineAnswer
from service.api.gallery_schemas import BatchItem, ExportLine
from service.api.imported_lines import ImportedLines, read_header
from service.api.lines_in import NDJSON, Line, read_chunks
from service.api.lines_out import stream_lines
from service.api.request_docs import lines_docs
from service.api.validation import parse_json
from service.errors import InvalidInput, ReidError

router = APIRouter(
    prefix="/galleries/{gallery}",
    tags=["tracklets"],
    dependencies=[requires(AccessScope.GALLERY_WRITE)],
)

_ANSWERS = {
    200: {
        "description": f"One {LineAnswer.__name__} a line, and a {BulkEndAnswer.__name__} at last",
        "content": {NDJSON: {"schema": LineAnswer.model_json_schema()}},
    }
}


@router.post(
    "/tracklets:bulk",
    openapi_extra=lines_docs(BatchItem),
    response_class=Response,
    responses=_ANSWERS,  # type: ignore[arg-type]
)
async def bulk(
    gallery: str, request: Request, runtime: OpenRuntime, audit: RequestAudit
) -> Response:
    """Enroll a tracklet a line; each line is answered, and those that can be enrolled are.

    Answers come while lines are still being read: take them meanwhile, or send a few thousand
    lines at a time. Of an id that comes twice the later line replaces the earlier one.
    """
    _require_lines(request)
    held = await runtime.gallery.open(gallery, of_this_model=True)
    enrolment = BulkEnrolment(
        request,
        runtime.gallery,
        held,
        partial(_parse_item, served=runtime.manifest.model.fingerprint),
        is_complete=lambda: True,
        enrolled=lambda count: audit.note("bulk", gallery, count=count),
    )
    chunks = read_chunks(request.stream(), line_limits(runtime.settings))
    return await stream_lines(
        request, enrolment.answers(chunks), stall_s=runtime.settings.request_timeout_s
    )


@router.post(
    "/import",
    tags=["galleries"],
    openapi_extra=lines_docs(ExportLine),
    response_class=Response,
    responses=_ANSWERS,  # type: ignore[arg-type]
)
async def import_lines(
    gallery: str, request: Request, runtime: OpenRuntime, audit: RequestAudit
) -> Response:
    """Enroll what `/export` of a gallery of the same model answered; may be repeated.

    Moments of enrolment and expiry are kept; the `seq` of each tracklet is that of its new write.
    """
    _require_lines(request)
    held = await runtime.gallery.open(gallery)
    chunks = read_chunks(request.stream(), line_limits(runtime.settings))
    first: list[Line] = await anext(chunks, [])
    lines = ImportedLines(read_header(first, held))
    enrolment = BulkEnrolment(
        request,
        runtime.gallery,
        held,
        lines.parse,
        is_complete=lambda: lines.is_complete,
        enrolled=lambda count: audit.note("import", gallery, count=count),
    )
    answers = enrolment.answers(_after_header(first, chunks))
    return await stream_lines(request, answers, stall_s=runtime.settings.request_timeout_s)


async def _after_header(
    first: list[Line], chunks: AsyncIterator[list[Line]]
) -> AsyncIterator[list[Line]]:
    if first[1:]:
        yield first[1:]
    async for chunk in chunks:
        yield chunk


def _parse_item(line: Line, *, served: str) -> ParsedLine:
    try:
        item = parse_json(BatchItem, line.raw, fault=InvalidInput)
        return ParsedLine(line.number, enrolment_of(item, served))
    except ReidError as error:
        return ParsedLine(line.number, error=error)


def _require_lines(request: Request) -> None:
    if media_type(request) != NDJSON:
        raise unsupported(request, NDJSON)
