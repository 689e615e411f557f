"""One meaning of time on the wire: ISO 8601 with an offset, or Unix seconds."""

import math
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

FIRST_S = -62_135_596_800.0
LAST_S = 253_402_300_800.0
"""Years 1 to 9999, which ISO 8601 can say: times beyond them are mistakes, as milliseconds are."""

ACCEPTED = "ISO 8601 with an offset, as 2026-01-31T12:00:00Z, or Unix seconds"


def unix_seconds(value: object) -> float:
    """Unix seconds of a JSON number or an ISO 8601 string.

    Raises:
        ValueError: For anything else; a time without an offset is refused, because the service
            does not know the camera's time zone.
    """
    if isinstance(value, str):
        return _iso_seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(ACCEPTED)  # noqa: TRY004 pydantic turns only ValueError into a field error
    return _finite(value)


def query_seconds(value: object) -> float:
    """As `unix_seconds`, for the query string, where a number arrives as text."""
    if not isinstance(value, str):
        return unix_seconds(value)
    try:
        number = float(value)
    except ValueError:
        # The + of an offset arrives as a space when it was not escaped.
        if " " in value:
            raise ValueError(f"{ACCEPTED}; in a URL write + as %2B") from None
        return _iso_seconds(value)
    return _finite(number)


def _iso_seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(ACCEPTED) from error
    if moment.tzinfo is None:
        raise ValueError("a time with its offset: append Z for UTC, or an offset such as +02:00")
    return moment.timestamp()


def _finite(number: float) -> float:
    try:
        seconds = float(number)
    except OverflowError as error:
        raise ValueError(ACCEPTED) from error
    if not math.isfinite(seconds):
        raise ValueError(f"finite: {ACCEPTED}")
    if not FIRST_S <= seconds <= LAST_S:
        raise ValueError(f"in the years 1 to 9999: {ACCEPTED}")
    return seconds


_SCHEMA = WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]})

Timestamp = Annotated[float, BeforeValidator(unix_seconds), _SCHEMA]
"""A time in a JSON body, in Unix seconds once read."""

QueryTimestamp = Annotated[float, BeforeValidator(query_seconds), _SCHEMA]
"""A time in the query string, in Unix seconds once read."""
