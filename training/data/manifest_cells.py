"""What may stand in a cell of a user's own table."""

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

LARGEST_NUMBER = 2**31 - 1

_NUMBER = re.compile(r"-?[0-9]+")
_FORMULA_STARTS = ("=", "+", "@")
_MOST_DIGITS = 20


class Part(StrEnum):
    """What a tracklet is for."""

    TRAIN = "train"
    QUERY = "query"
    GALLERY = "gallery"
    BOTH = "query+gallery"


def plain(text: str, column: str) -> str:
    """The text, when it is what it seems to be.

    Raises:
        ValueError: When it is a spreadsheet's formula or has a control character.
    """
    if text.startswith(_FORMULA_STARTS):
        raise ValueError(f"expected a plain {column}, received the formula {text!r:.60}")
    if not text.isprintable():
        raise ValueError(f"expected a printable {column}, received {text!r:.60}")
    return text


def frame_path(text: str) -> str:
    """A path below the folder of the table, written in the one way that others compare with.

    Raises:
        ValueError: When it is absolute, leaves the folder, or is written with backslashes.
    """
    parts = plain(given(text, "path"), "frame").split("/")
    if not parts[0] or ".." in parts:
        raise ValueError(
            f"expected a path below the manifest's own folder, received {text!r}; "
            "move the manifest above the frames"
        )
    if "\\" in text:
        raise ValueError(f"expected / between folders, received {text!r}")
    return "/".join(part for part in parts if part not in {"", "."})


def part(text: str) -> Part:
    """What the word in the column `split` means.

    Raises:
        ValueError: When it means nothing.
    """
    try:
        return Part(text)
    except ValueError as error:
        wanted = ", ".join(each.value for each in Part)
        raise ValueError(f"expected a split of {wanted}, received {text!r:.60}") from error


def given(text: str, column: str) -> str:
    """The text, when there is one.

    Raises:
        ValueError: When the cell is empty.
    """
    if not text:
        raise ValueError(f"expected the {column} of a frame, received an empty cell")
    return text


def label(text: str, column: str) -> str:
    """A name, or a whole number of 0 to 2,147,483,647; -1 is a name of junk.

    Raises:
        ValueError: When it is neither.
    """
    if not _NUMBER.fullmatch(text) or text == "-1":
        return plain(text, column)
    # The length first: Python refuses to convert integers of thousands of digits.
    if len(text) > _MOST_DIGITS or not 0 <= int(text) <= LARGEST_NUMBER:
        raise ValueError(
            f"expected whole numbers of 0 to {LARGEST_NUMBER} as {column}, received {text:.40}; "
            "write a letter before it to make it a name"
        )
    return text


def numbering(labels: Iterable[str]) -> dict[str, int]:
    """Label → number: itself where all are whole numbers, else its place, sorted, from 1."""
    ordered = sorted(set(labels))
    if all(_NUMBER.fullmatch(each) for each in ordered):
        return {each: int(each) for each in ordered}
    return {each: place for place, each in enumerate(ordered, start=1)}


def nobody(identity: str) -> int | None:
    """-1 for junk, 0 for a distractor, None for somebody."""
    if identity.lower() == "junk" or identity == "-1":
        return -1
    if identity.lower() == "distractor" or (identity and not identity.strip("0")):
        return 0
    return None


def seconds(text: str) -> float:
    """A moment: seconds as a number, or ISO 8601 counted from 1970 (UTC where it names no zone).

    Raises:
        ValueError: When it is neither.
    """
    moment = _number(text)
    if moment is None:
        moment = _iso_seconds(text)
    if moment is None or not math.isfinite(moment):
        raise ValueError(
            f"expected a timestamp in seconds or like 2026-01-31T08:00:00, received {text!r:.60}"
        )
    return moment


def is_seconds(text: str) -> bool:
    """Whether a moment counts from the table's own zero rather than from 1970."""
    return _number(text) is not None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _iso_seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
