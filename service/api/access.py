"""Who may do what: every route names the scopes of which its caller needs one."""

from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from starlette.types import Scope

from service.access.doorkeeper import Doorkeeper
from service.access.principal import AccessScope, Principal
from service.access.refusals import Forbidden, Unauthorized
from service.errors import ReidError


@dataclass(frozen=True, slots=True)
class Needed:
    """What the caller of a route needs.

    Attributes:
        scopes: One of these; none where anyone may call.
    """

    scopes: frozenset[AccessScope]

    async def __call__(self, request: Request) -> None:
        """Let the request in, or refuse it before anything of its body is read.

        Raises:
            Unauthorized: When nobody is known to ask.
            Forbidden: When the key is not good for this.
            QuotaExceeded: When the key has asked for as much as it may.
        """
        if not self.scopes:
            return
        principal = principal_of(request.scope)
        doorkeeper = await open_doorkeeper(request)
        doorkeeper.quotas.spend_request(principal)
        check_scope(principal, self.scopes)


async def open_doorkeeper(request: Request) -> Doorkeeper:
    """Who knows the keys of the application."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    return doorkeeper


def check_scope(principal: Principal, scopes: frozenset[AccessScope]) -> None:
    """Let somebody in who has one of these scopes.

    Raises:
        Forbidden: When the key is not good for this.
    """
    if not scopes & principal.scopes:
        raise Forbidden(
            expected=f"a key with the scope {' or '.join(sorted(scopes))}",
            received=f"one with {', '.join(sorted(principal.scopes))}",
            remedy="use another key; `reid keys new --scope` makes one",
        )


def principal_of(scope: Scope) -> Principal:
    """Who asks, as the middleware found out.

    Raises:
        Unauthorized: When nobody is known to ask, also when the middleware was not asked.
        Forbidden: When it found a page of another site.
    """
    found = scope.get("state", {}).get("access")
    if isinstance(found, Principal):
        return found
    if isinstance(found, ReidError):
        raise found
    raise Unauthorized(
        expected="a request whose sender is known",
        received="one that was not looked at",
        remedy="report it: the service is put together wrongly",
    )


def key_name(scope: Scope) -> str | None:
    """Name of the key of the request that `scope` belongs to; None without one."""
    found = scope.get("state", {}).get("access")
    return found.name if isinstance(found, Principal) else None


def requires(scope: AccessScope, *others: AccessScope) -> Any:  # noqa: ANN401 as FastAPI's Depends
    """The dependency of a route, or of a router, whose caller needs one of these scopes."""
    return Depends(Needed(frozenset({scope, *others})))


def open_to_anyone() -> Any:  # noqa: ANN401 as FastAPI's Depends
    """The dependency of a route that needs no key, said aloud so that none is open by mistake."""
    return Depends(Needed(frozenset()))
