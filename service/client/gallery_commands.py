"""`reid gallery`: what its verbs do, and what they print."""

import itertools
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.api.answers import ErrorDetail
from service.api.gallery_schemas import Encoding, ExportEnd, ExportHeader
from service.client.bulk import with_retries
from service.client.gallery_client import LINES_AT_A_TIME, GalleryClient
from service.client.progress_bar import Advance, progress_bar


class ExportFileError(ValueError):
    """A file that is no whole export; the text says expected, received and remedy."""


def print_answer(
    answer: BaseModel, *, as_json: bool, left_out: Collection[str] = frozenset()
) -> None:
    """One answer: JSON, or a line for each of its keys but those that are left out."""
    if as_json:
        print(orjson.dumps(answer.model_dump()).decode("utf-8"))  # noqa: T201
        return
    for key, value in answer.model_dump(exclude=set(left_out)).items():
        print(f"{key}: {_shown(value)}")  # noqa: T201


def print_table(
    name: str, rows: Sequence[BaseModel], columns: Sequence[str], *, as_json: bool
) -> None:
    """Many answers of one kind: JSON under `name`, or a table of some of their keys."""
    if as_json:
        print(orjson.dumps({name: [row.model_dump() for row in rows]}).decode("utf-8"))  # noqa: T201
        return
    table = Table()
    for key in columns:
        table.add_column(key.replace("_", " "), overflow="fold")
    for row in rows:
        held = row.model_dump()
        # Names are names: rich would take the brackets in them for markup.
        table.add_row(*(Text(_shown(held[key])) for key in columns))
    Console().print(table)


def export_file(client: GalleryClient, gallery: str, path: Path, encoding: Encoding) -> ExportEnd:
    """Write an export to a file, which has its name only when it is whole.

    Raises:
        ExportFileError: When the export ended early, or the file cannot be written.
        ReidClientError: When the service refuses.
    """
    lines = client.export(gallery, encoding=encoding)
    header = _header(next(lines, b""))
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file, progress_bar("export", header.tracklets) as advance:
            file.write(orjson.dumps(header.model_dump()) + b"\n")
            end = _written(lines, file, advance)
            file.flush()
            os.fsync(file.fileno())
        if end is None or end.tracklets != header.tracklets:
            raise ExportFileError(
                f"expected {header.tracklets} tracklets and an end, received fewer; export again"
            )
        temporary.replace(path)
    except OSError as error:
        raise ExportFileError(
            f"expected to write {path}, received {error.strerror}; choose another file"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return end


def import_file(client: GalleryClient, gallery: str, path: Path, *, as_json: bool) -> int:
    """Import an export from a file; the exit status: 0 when every tracklet was enrolled.

    It is safe to run again after an interruption: a tracklet replaces itself.

    Raises:
        ExportFileError: When the file is not a whole export; what came before is enrolled.
        ReidClientError: When the service refuses.
    """
    enrolled, failed, sent, is_whole = 0, 0, 0, False
    with _opened(path) as file:
        first = file.readline()
        header = _header(first)
        with progress_bar("import", header.tracklets) as advance:
            rest = (line for line in file if line.strip())
            while some := [line.rstrip(b"\n") for line in itertools.islice(rest, LINES_AT_A_TIME)]:
                answers, end = with_retries(
                    lambda lines=some: client.import_lines(gallery, first.rstrip(b"\n"), lines)  # type: ignore[misc]
                )
                for answer in answers:
                    _say_failed(f"line {answer.line + sent}", answer.tracklet_id, answer.error)
                enrolled += end.created + end.replaced
                failed += end.failed
                sent += len(some)
                advance(end.received)
                is_whole = _end(some[-1]) is not None
    if not is_whole or enrolled + failed != header.tracklets:
        raise ExportFileError(
            f"expected {header.tracklets} tracklets in {path}, received {enrolled + failed}; the "
            "file is cut short: export again"
        )
    if as_json:
        print(orjson.dumps({"enrolled": enrolled, "failed": failed}).decode("utf-8"))  # noqa: T201
    else:
        print(f"enrolled {enrolled} of {header.tracklets} tracklets in gallery {gallery!r}")  # noqa: T201
    return 1 if failed else 0


def _written(lines: Iterator[bytes], file: BinaryIO, advance: Advance) -> ExportEnd | None:
    end: ExportEnd | None = None
    for line in lines:
        file.write(line + b"\n")
        end = _end(line)
        if end is None:
            advance(1)
    return end


def _header(line: bytes) -> ExportHeader:
    try:
        return ExportHeader.model_validate_json(line)
    except ValidationError as error:
        raise ExportFileError(
            "expected the first line of an export, received another; name a file that "
            "`reid gallery export` wrote"
        ) from error


def _end(line: bytes) -> ExportEnd | None:
    if not line.startswith(b'{"end"'):
        return None
    try:
        return ExportEnd.model_validate_json(line)
    except ValidationError:
        return None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ExportFileError(
            f"expected to read {path}, received {error.strerror}; check the file"
        ) from error


def _say_failed(place: str, tracklet_id: str | None, error: ErrorDetail | None) -> None:
    if error is not None:
        named = place if tracklet_id is None else f"{place}, {tracklet_id}"
        print(f"{named}: {error.code}: {error.message}", file=sys.stderr)  # noqa: T201


def _shown(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown}" for key, shown in value.items())
    return str(value)
