"""Calls about galleries as a whole: their names, batches and lines of tracklets, and identities."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from pydantic import BaseModel, ValidationError

from service.api.answers import ErrorAnswer
from service.api.gallery_answers import (
    AliasAnswer,
    AliasesAnswer,
    BatchAnswer,
    BulkEndAnswer,
    DeletedChosenAnswer,
    DescribedGalleryAnswer,
    DigestAnswer,
    DroppedGalleryAnswer,
    GalleriesAnswer,
    GalleryAnswer,
    IdentitiesAnswer,
    IdentityAnswer,
    LineAnswer,
    MovedAnswer,
    RemovedAliasAnswer,
)
from service.api.gallery_schemas import (
    AliasBody,
    BatchBody,
    BatchItem,
    CreateGalleryBody,
    DeleteChosenBody,
    Encoding,
    MergeBody,
    ReassignBody,
    RenameBody,
    SplitBody,
)
from service.api.verify_answers import VerifyAnswer
from service.client.connection import Connection, ReidClientError, json_of, path_of

LINES_AT_A_TIME = 1000
"""Sent by one request: as many answers fit between the two ends while nobody reads them."""

VERIFY_TIMEOUT_S = 3600.0
"""Of one answer to `verify`."""

_LINES = {"Content-Type": "application/x-ndjson"}


class GalleryClient:
    """Every method raises `ReidClientError`.

    Args:
        connection: To the service.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def every(self) -> list[GalleryAnswer]:
        """Every gallery, by name."""
        return self._connection.get(GalleriesAnswer, "/galleries").galleries

    def create(
        self, name: str, *, max_tracklets: int | None = None, retention_s: float | None = None
    ) -> GalleryAnswer:
        """Create a gallery; the same may be asked for again."""
        body = CreateGalleryBody(name=name, max_tracklets=max_tracklets, retention_s=retention_s)
        return self._connection.send(GalleryAnswer, "POST", "/galleries", body)

    def describe(self, gallery: str) -> DescribedGalleryAnswer:
        """A gallery, and how the service holds it."""
        return self._connection.get(DescribedGalleryAnswer, path_of("galleries", gallery))

    def drop(self, gallery: str) -> DroppedGalleryAnswer:
        """Delete a gallery, by its own name, with everything in it."""
        return self._connection.delete(DroppedGalleryAnswer, path_of("galleries", gallery))

    def digest(self, gallery: str) -> DigestAnswer:
        """What the replica holds, to be compared with another's."""
        return self._connection.get(DigestAnswer, path_of("galleries", gallery, "digest"))

    def verify(self, gallery: str) -> VerifyAnswer:
        """Have every copy of a gallery compared; takes as long as reading all of it."""
        path = path_of("galleries", gallery, "verify")
        request = self._connection.request("POST", path, timeout_s=VERIFY_TIMEOUT_S)
        return self._connection.ask(VerifyAnswer, request)

    def aliases(self) -> list[AliasAnswer]:
        """Every alias, by name."""
        return self._connection.get(AliasesAnswer, "/aliases").aliases

    def point_alias(self, alias: str, gallery: str) -> AliasAnswer:
        """Point an alias at a gallery."""
        body = AliasBody(gallery=gallery)
        return self._connection.send(AliasAnswer, "PUT", path_of("aliases", alias), body)

    def remove_alias(self, alias: str) -> RemovedAliasAnswer:
        """Remove an alias."""
        return self._connection.delete(RemovedAliasAnswer, path_of("aliases", alias))

    def write_batch(
        self, gallery: str, body: BatchBody, *, idempotency_key: str | None = None
    ) -> BatchAnswer:
        """Enroll and delete up to 256 tracklets together, or not at all."""
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        path = path_of("galleries", gallery, "tracklets:batch")
        request = self._connection.request("POST", path, content=json_of(body), headers=headers)
        return self._connection.ask(BatchAnswer, request)

    def enroll_lines(self, gallery: str, items: Iterable[BatchItem]) -> Iterator[LineAnswer]:
        """Enroll any number of tracklets; what became of each, in order."""
        path = path_of("galleries", gallery, "tracklets:bulk")
        lines = (json_of(item) + b"\n" for item in items)
        while some := list(itertools.islice(lines, LINES_AT_A_TIME)):
            answers, _ = self._line_answers(path, some)
            yield from answers

    def delete_chosen(self, gallery: str, body: DeleteChosenBody) -> DeletedChosenAnswer:
        """Delete every tracklet that passes a filter."""
        path = path_of("galleries", gallery, "tracklets:delete")
        return self._connection.send(DeletedChosenAnswer, "POST", path, body)

    def export(self, gallery: str, *, encoding: Encoding = "float16") -> Iterator[bytes]:
        """The lines of an export as they come; the last one counts the others."""
        path = path_of("galleries", gallery, "export")
        asked = {"encoding": encoding}
        for line in self._connection.lines(self._connection.request("GET", path, params=asked)):
            _raise_last_words(line)
            yield line

    def import_lines(
        self, gallery: str, header: bytes, lines: Sequence[bytes]
    ) -> tuple[list[LineAnswer], BulkEndAnswer]:
        """Enroll some lines of an export under its header; a few thousand at a time."""
        path = path_of("galleries", gallery, "import")
        return self._line_answers(path, [line + b"\n" for line in (header, *lines)])

    def identities(self, gallery: str) -> Iterator[IdentityAnswer]:
        """Every identity, fetched page by page."""
        path = path_of("galleries", gallery, "identities")
        page = self._connection.get(IdentitiesAnswer, path)
        yield from page.identities
        while page.next_cursor is not None:
            page = self._connection.get(IdentitiesAnswer, path, {"cursor": page.next_cursor})
            yield from page.identities

    def rename(self, gallery: str, body: RenameBody) -> MovedAnswer:
        """Give an identity another name."""
        return self._changed(gallery, "identities:rename", body)

    def merge(self, gallery: str, body: MergeBody) -> MovedAnswer:
        """Make several identities one."""
        return self._changed(gallery, "identities:merge", body)

    def split(self, gallery: str, body: SplitBody) -> MovedAnswer:
        """Make some tracklets of an identity another one."""
        return self._changed(gallery, "identities:split", body)

    def reassign(self, gallery: str, body: ReassignBody) -> MovedAnswer:
        """Say of whom tracklets are; None that it is not known."""
        content = body.model_dump_json().encode()  # a null here says something
        path = path_of("galleries", gallery, "identities:reassign")
        headers = {"Content-Type": "application/json"}
        request = self._connection.request("POST", path, content=content, headers=headers)
        return self._connection.ask(MovedAnswer, request)

    def _changed(self, gallery: str, verb: str, body: BaseModel) -> MovedAnswer:
        return self._connection.send(MovedAnswer, "POST", path_of("galleries", gallery, verb), body)

    def _line_answers(
        self, path: str, lines: Sequence[bytes]
    ) -> tuple[list[LineAnswer], BulkEndAnswer]:
        request = self._connection.request("POST", path, content=b"".join(lines), headers=_LINES)
        *answers, end = list(self._connection.lines(request)) or [b""]
        _raise_last_words(end)
        try:
            read = [LineAnswer.model_validate_json(answer) for answer in answers]
            return read, BulkEndAnswer.model_validate_json(end)
        except ValidationError as error:
            raise ReidClientError(
                "expected an answer for each line and one that sums up, received another or none; "
                "send the lines again, which is safe",
                status=None,
                code="unknown_answer",
            ) from error


def _raise_last_words(line: bytes) -> None:
    """An error that came in the middle is the last line."""
    if not line.startswith(b'{"error":{'):
        return
    detail = ErrorAnswer.model_validate_json(line).error
    raise ReidClientError(detail.message, status=None, code=detail.code)
