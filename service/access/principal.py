"""Who asks: a key's name, what it is good for, and how much it may ask."""

from dataclasses import dataclass
from enum import StrEnum


class AccessScope(StrEnum):
    """What a key may be good for. None contains another: a key lists all that it needs."""

    EMBED = "embed"
    SEARCH = "search"
    GALLERY_WRITE = "gallery:write"
    ADMIN = "admin"
    METRICS = "metrics"
    """Reads the numbers of the second port and nothing else: for what scrapes them."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        name: Of the key; None where anyone may ask.
        scopes: What the key is good for.
        requests_per_s: How many requests it may make; None for any number.
        frames_per_s: How many frames it may have embedded; None for any number.
    """

    name: str | None
    scopes: frozenset[AccessScope]
    requests_per_s: float | None = None
    frames_per_s: float | None = None


ANYONE = Principal(None, frozenset(AccessScope))
