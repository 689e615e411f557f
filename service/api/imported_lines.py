"""Reads the lines of an export: a header, a tracklet a line, and an end that counts them."""

import base64
import binascii
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.api.bulk_lines import ParsedLine
from service.api.gallery_schemas import Encoding, ExportEnd, ExportHeader, ExportLine
from service.api.lines_in import Line
from service.api.tracklet_wire import metadata_of
from service.api.validation import parse_json
from service.errors import InvalidEmbedding, InvalidInput, ReidError
from service.gallery.enrolment import Enrolment
from service.gallery.gallery_errors import ModelMismatch
from service.gallery.open_gallery import OpenGallery
from service.gallery.stores.protocol import GalleryModel

DTYPES: dict[Encoding, str] = {"float16": "<f2", "float32": "<f4"}

_END = b'"end"'


def read_header(first: Sequence[Line], gallery: OpenGallery) -> ExportHeader:
    """The header on the first line.

    Raises:
        InvalidInput: When there is none.
        ModelMismatch: When it is of another model than the gallery's.
    """
    if not first:
        raise InvalidInput(
            expected="the lines of an export",
            received="no line",
            remedy="send what GET /galleries/{gallery}/export answered",
        )
    header = parse_json(ExportHeader, first[0].raw, fault=InvalidInput)
    sent = GalleryModel(header.model.fingerprint, header.model.dimension)
    held = gallery.info.spec.model
    if sent != held:
        raise ModelMismatch(
            expected=f"an export of the model of gallery {gallery.name!r}: {held.fingerprint}, "
            f"dimension {held.dimension}",
            received=f"one of model {sent.fingerprint}, dimension {sent.dimension}",
            remedy="import it into a gallery of its own model, or embed the tracklets again",
        )
    return header


class ImportedLines:
    """What the lines after the header say.

    Args:
        header: Of the export.
    """

    def __init__(self, header: ExportHeader) -> None:
        self._header = header
        self._tracklets = 0
        self._end: ExportEnd | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the end came, and counted as many tracklets as came before it."""
        return self._end is not None and self._end.tracklets == self._tracklets

    def parse(self, line: Line) -> ParsedLine:
        """One line; that of the end says nothing more."""
        try:
            if line.raw.lstrip(b" {").startswith(_END):
                self._end = parse_json(ExportEnd, line.raw, fault=InvalidInput)
                return ParsedLine(line.number)
            self._tracklets += 1
            return ParsedLine(line.number, self._enrolment(line))
        except ReidError as error:
            return ParsedLine(line.number, error=error)

    def _enrolment(self, line: Line) -> Enrolment:
        sent = parse_json(ExportLine, line.raw, fault=InvalidInput)
        return Enrolment(
            sent.tracklet_id,
            self._embedding(sent.embedding),
            metadata_of(sent.metadata),
            enrolled_s=sent.enrolled,
        )

    def _embedding(self, text: str) -> NDArray[np.float32]:
        dtype = np.dtype(DTYPES[self._header.encoding])
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refused(self._header.encoding, "text that is not base64") from error
        if len(raw) % dtype.itemsize:
            raise _refused(self._header.encoding, f"base64 of {len(raw)} bytes")
        return np.frombuffer(raw, dtype).astype(np.float32)


def _refused(encoding: Encoding, received: str) -> InvalidEmbedding:
    return InvalidEmbedding(
        expected=f"`embedding` to be base64 of little-endian {encoding}, as the header says",
        received=received,
        remedy="send the line as it was exported",
    )
