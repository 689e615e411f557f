"""`/galleries/{gallery}/export`: a gallery as it stood after one write, a tracklet on each line."""

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.audited import RequestAudit
from service.api.dependencies import OpenRuntime
from service.api.filter_json import read_filter_text
from service.api.gallery_schemas import (
    EXPORT_FORMAT,
    Encoding,
    ExportedModel,
    ExportEnd,
    ExportHeader,
    ExportLine,
    ExportQuery,
)
from service.api.gallery_seq import SEQ_HEADER, MinSeq
from service.api.imported_lines import DTYPES
from service.api.lines_in import NDJSON
from service.api.lines_out import json_line, stream_lines
from service.api.tracklet_wire import metadata_body
from service.gallery.export import ExportedTracklet, GalleryExport
from service.gallery.filter_tree import EVERYTHING
from service.gallery.gallery import GalleryService

router = APIRouter(
    prefix="/galleries/{gallery}",
    tags=["galleries"],
    dependencies=[requires(AccessScope.ADMIN)],
)


@router.get(
    "/export",
    response_class=Response,
    responses={
        200: {
            "description": f"An {ExportHeader.__name__}, one {ExportLine.__name__} a tracklet, "
            f"and an {ExportEnd.__name__}",
            "content": {NDJSON: {"schema": {"type": "string"}}},
        }
    },
)
async def export(
    gallery: str,
    request: Request,
    runtime: OpenRuntime,
    query: Annotated[ExportQuery, Query()],
    min_seq: MinSeq,
    audit: RequestAudit,
) -> Response:
    """Everything that is held of every tracklet, embeddings included, for `/import` or a backup.

    The last line counts the tracklets: without it the export is not whole.
    """
    chosen = EVERYTHING if query.filter is None else read_filter_text(query.filter)
    within_s = runtime.settings.min_seq_within_s
    await audit.record("export", gallery)
    exported = await runtime.gallery.read(
        gallery,
        lambda held: GalleryExport(held, held.view(min_seq=min_seq, within_s=within_s), chosen),
    )
    return await stream_lines(
        request,
        _lines(runtime.gallery, exported.value, query.encoding),
        stall_s=runtime.settings.request_timeout_s,
        headers={SEQ_HEADER: str(exported.value.seq)},
    )


async def _lines(
    service: GalleryService, exported: GalleryExport, encoding: Encoding
) -> AsyncIterator[bytes]:
    yield json_line(_header(exported, encoding))
    pieces = exported.pieces()
    while piece := await service.in_thread(lambda: _encoded(pieces, encoding)):
        yield piece
    yield json_line(ExportEnd(end=True, tracklets=exported.tracklets))


def _header(exported: GalleryExport, encoding: Encoding) -> ExportHeader:
    model = exported.info.spec.model
    return ExportHeader(
        export=EXPORT_FORMAT,
        model=ExportedModel(fingerprint=model.fingerprint, dimension=model.dimension),
        encoding=encoding,
        gallery=exported.info.name,
        gallery_id=exported.info.gallery_id,
        seq=exported.seq,
        tracklets=exported.tracklets,
    )


def _encoded(pieces: Iterator[list[ExportedTracklet]], encoding: Encoding) -> bytes:
    """The lines of the next piece; nothing after the last."""
    return b"".join(json_line(_line(each, encoding)) for each in next(pieces, ()))


def _line(tracklet: ExportedTracklet, encoding: Encoding) -> ExportLine:
    raw = tracklet.embedding.astype(DTYPES[encoding]).tobytes()
    return ExportLine.model_construct(
        tracklet_id=tracklet.tracklet_id,
        embedding=base64.b64encode(raw).decode("ascii"),
        metadata=metadata_body(tracklet.metadata),
        enrolled=tracklet.enrolled_s,
        seq=tracklet.seq,
    )
