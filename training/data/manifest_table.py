"""The table of a user's own data as text cells, from CSV or Parquet."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from training.data.layout_error import LayoutError

REQUIRED = ("frame", "identity", "camera", "tracklet", "split")
OPTIONAL = ("timestamp", "outfit")
EXPECTED_COLUMNS = f"columns {', '.join(REQUIRED)} and perhaps {' and '.join(OPTIONAL)}"

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ManifestTable:
    """What is in the file, unjudged.

    Attributes:
        path: The file.
        columns: Name → stripped text of every row; an empty cell is "".
        first_row: What a person calls the first row: 2 in CSV, below the header; 1 in Parquet.
    """

    path: Path
    columns: Mapping[str, Sequence[str]]
    first_row: int

    def __len__(self) -> int:
        """Rows below the header."""
        return len(self.columns["frame"])


def read_manifest_table(path: Path) -> ManifestTable:
    """Read a .csv (UTF-8, commas, a header) or a .parquet.

    Raises:
        LayoutError: When it is neither, cannot be read, or a column is missing or unknown.
    """
    if path.suffix == ".csv":
        table, first_row = _read_csv(path), 2
    elif path.suffix == ".parquet":
        table, first_row = _read_parquet(path), 1
    else:
        raise LayoutError(
            "a manifest that ends in .csv or .parquet", repr(path.name), "rename it", paths=[path]
        )
    names = [name.strip() for name in table.column_names]
    _check_columns(path, names)
    columns = {
        name: _cells(column, path, name) for name, column in zip(names, table.columns, strict=True)
    }
    if table.num_rows == 0:
        raise LayoutError(
            f"a row per frame in {path}", "a header alone", "add the frames", paths=[path]
        )
    return ManifestTable(path, columns, first_row)


def _read_csv(path: Path) -> pa.Table:
    content = path.read_bytes()
    header = content.removeprefix(_BYTE_ORDER_MARK).split(b"\n", maxsplit=1)[0].rstrip(b"\r")
    if not header:
        raise LayoutError(
            f"{EXPECTED_COLUMNS} in {path}", "no header line", "write one on top", paths=[path]
        )
    _refuse_other_encodings(path, content)
    if b"," not in header and (b";" in header or b"\t" in header):
        raise LayoutError(
            f"commas between the columns of {path}",
            "semicolons" if b";" in header else "tabs",
            "save it as CSV with commas",
            paths=[path],
        )
    ragged: list[csv.InvalidRow] = []

    def note(row: csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    names = [name.strip().strip('"') for name in header.decode().split(",")]
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(invalid_row_handler=note),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowException as error:
        raise LayoutError(
            f"a table of comma-separated values in {path}",
            f"one that cannot be read ({error})",
            "save it as CSV, UTF-8, again",
            paths=[path],
        ) from error
    _refuse_ragged(path, ragged)
    return table


def _refuse_ragged(path: Path, ragged: Sequence[csv.InvalidRow]) -> None:
    if not ragged:
        return
    rows = ", ".join(str(row.number) for row in ragged[:5])
    more = f" and {len(ragged) - 5} more" if len(ragged) > 5 else ""
    raise LayoutError(
        f"{ragged[0].expected_columns} columns in every row of {path}",
        f"{ragged[0].actual_columns} in row {rows}{more}",
        "quote cells with a comma in them, and fill or remove the rows",
        paths=[path],
    )


def _refuse_other_encodings(path: Path, content: bytes) -> None:
    if b"\0" in content:
        received = "NUL bytes"
    else:
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            received = f"the byte 0x{content[error.start]:02x} in line {line}"
        else:
            return
    raise LayoutError(
        f"UTF-8 text in {path}", received, "save it as CSV in the encoding UTF-8", paths=[path]
    )


def _read_parquet(path: Path) -> pa.Table:
    try:
        return parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise LayoutError(
            f"a Parquet table at {path}",
            f"a file that cannot be read ({error})",
            "write it again",
            paths=[path],
        ) from error


def _check_columns(path: Path, names: Sequence[str]) -> None:
    known = (*REQUIRED, *OPTIONAL)
    problems = [f"no column {name!r}" for name in REQUIRED if name not in names]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            problems.append(f"the unknown column {name!r}{hint}")
    problems += [
        f"the column {name!r} {names.count(name)} times"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    if problems:
        raise LayoutError(
            f"{EXPECTED_COLUMNS} in {path}",
            " and ".join(problems),
            "rename or remove columns until they are these",
            paths=[path],
        )


def _cells(values: pa.ChunkedArray, path: Path, column: str) -> list[str]:
    if values.type in {pa.string(), pa.large_string()}:
        return [(text or "").strip() for text in values.to_pylist()]
    cells = []
    for value in values.to_pylist():
        text = _text(value)
        if text is None:
            raise LayoutError(
                f"text, numbers or times in column {column!r} of {path}",
                f"{type(value).__name__}: {value!r:.60}",
                "convert the column to text",
                paths=[path],
            )
        cells.append(text)
    return cells


def _text(value: object) -> str | None:
    """The text of a cell, or None where it has none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        # Whole numbers with gaps come as floats from most tools.
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value).strip()
    return None
