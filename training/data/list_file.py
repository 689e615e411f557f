"""Text files with a line per thing, in which LS-VID, CCVID and MEVID come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.layout_error import LayoutError

RESTORE = "restore it from the archive of the data set"

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list.

    Attributes:
        number: Counted from 1, as an editor does.
        fields: What white space separates.
    """

    number: int
    fields: tuple[str, ...]


def read_list(path: Path, *, fields: str, unique: bool = True) -> list[Line]:
    """Every line in the order of the file, whichever way lines end; empty lines at the end go.

    Args:
        path: A UTF-8 text file.
        fields: What each line has, in a word each: `path identity outfit`.
        unique: Refuse a second line with the same first field.

    Raises:
        LayoutError: When the file is missing, empty or not text, a line has another number of
            fields, or the first of them comes twice.
    """
    lines = [Line(at, tuple(text.split())) for at, text in enumerate(text_lines(path), start=1)]
    wanted = fields.split()
    refuse_lines(
        path,
        [line for line in lines if len(line.fields) != len(wanted)],
        f"{' '.join(wanted)} in every line",
    )
    if unique:
        first: dict[str, Line] = {}
        for line in lines:
            first.setdefault(line.fields[0], line)
        again = [line for line in lines if first[line.fields[0]] is not line]
        refuse_lines(path, again, f"every {wanted[0]} once in the lines")
    return lines


def text_lines(path: Path, *, remedy: str = RESTORE) -> list[str]:
    """The lines of a UTF-8 text file, whichever way they end; empty lines at the end go.

    Raises:
        LayoutError: When the file is missing, empty or not text; `remedy` says where to get it.
    """
    if not path.is_file():
        raise LayoutError(f"the list {path}", "no such file", remedy, paths=[path])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LayoutError(f"text in {path}", "bytes that are none", remedy, paths=[path]) from error
    if not text.strip():
        raise LayoutError(f"lines in {path}", "an empty file", remedy, paths=[path])
    return text.rstrip().split("\n")


def refuse_lines(path: Path, wrong: Sequence[Line], expected: str) -> None:
    """Go on only when there is no wrong line.

    Raises:
        LayoutError: With the first wrong line and the numbers of the first five.
    """
    if not wrong:
        return
    numbers = ", ".join(str(line.number) for line in wrong[:_SHOWN])
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    raise LayoutError(
        f"{expected} of {path}",
        f"{' '.join(wrong[0].fields)!r:.80} in line {numbers}{more}",
        RESTORE,
        paths=[path],
    )


def whole_number(text: str) -> int | None:
    """The number; None where the text is none. MATLAB and NumPy also write `1.03e+02` for 103."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None


def from_one(identity: int, everybody: Collection[int]) -> int:
    """The identity; one more where people are counted from 0, which would be a distractor.

    For data sets without distractors. Junk (-1) stays what it is.
    """
    return identity + 1 if 0 in everybody and identity >= 0 else identity
