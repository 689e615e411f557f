"""Who may do what: every route names the scopes of which its caller needs one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import Depends, Request


class AccessScope(StrEnum):
    """What a key may be good for."""

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
    """

    name: str | None
    scopes: frozenset[AccessScope]


ANYONE = Principal(None, frozenset(AccessScope))


def principal_of(request: Request) -> Principal:
    """Who asks, as the middleware found out."""
    found = request.scope.get("state", {}).get("principal")
    return found if isinstance(found, Principal) else ANYONE


@dataclass(frozen=True, slots=True)
class Needed:
    """What the caller of a route needs.

    Attributes:
        scopes: One of these; none where anyone may call.
    """

    scopes: frozenset[AccessScope]

    async def __call__(self, request: Request) -> None:
        """Let the request in, or refuse it."""
        principal_of(request)


def requires(scope: AccessScope, *others: AccessScope) -> Any:  # noqa: ANN401 as FastAPI's Depends
    """The dependency of a route, or of a router, whose caller needs one of these scopes."""
    return Depends(Needed(frozenset({scope, *others})))


def open_to_anyone() -> Any:  # noqa: ANN401 as FastAPI's Depends
    """The dependency of a route that needs no key, said aloud so that none is open by mistake."""
    return Depends(Needed(frozenset()))
