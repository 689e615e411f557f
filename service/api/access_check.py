"""Finds out who sends a request, before anything of it is read."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.doorkeeper import Doorkeeper
from service.access.frame_quota import frames_counted_by
from service.access.principal import Principal
from service.access.refusals import Forbidden, Unauthorized
from service.errors import ReidError

_BEARER = "bearer "


class AccessCheck:
    """ASGI middleware: notes who asks, for the routes to decide by, or why nobody may.

    A refusal is raised by the route, so that it is answered as every other error is, and so that
    what is open to anyone stays open.

    Args:
        app: What answers.
        doorkeeper: Knows the keys.
        local_only: Whether to refuse what a web page of another site makes a browser send: only
            where no key is needed and only this machine is listened to.
    """

    def __init__(self, app: ASGIApp, *, doorkeeper: Doorkeeper, local_only: bool) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = self._found(Headers(scope=scope))
        scope.setdefault("state", {})["access"] = found
        if not isinstance(found, Principal) or found.frames_per_s is None:
            await self._app(scope, receive, send)
            return
        quotas = self._doorkeeper.quotas
        with frames_counted_by(lambda frames: quotas.spend_frames(found, frames)):
            await self._app(scope, receive, send)

    def _found(self, headers: Headers) -> Principal | ReidError:
        try:
            if self._local_only:
                _check_local(headers)
            return self._doorkeeper.principal_of(_sent_key(headers))
        except ReidError as error:
            return error


def _sent_key(headers: Headers) -> str | None:
    """The key of a request.

    Raises:
        Unauthorized: When it has several, of which one could be meant for somebody else.
    """
    sent = {key.strip() for key in headers.getlist("x-api-key")}
    for value in headers.getlist("authorization"):
        if value[: len(_BEARER)].lower() == _BEARER:
            sent.add(value[len(_BEARER) :].strip())
    if len(sent) > 1:
        raise Unauthorized(
            expected="one API key",
            received=f"{len(sent)} different ones",
            remedy="send it once, as Authorization: Bearer KEY or as X-API-Key: KEY",
        )
    return sent.pop() if sent else None


def _check_local(headers: Headers) -> None:
    """Refuse a page whose name was made to mean this machine, and a page of another site.

    Raises:
        Forbidden: When `Host` or `Origin` is not a name of this machine.
    """
    host, origin = headers.get("host"), headers.get("origin")
    for name, address in (("Host", host and f"//{host}"), ("Origin", origin)):
        if address and not is_loopback(_host_in(address)):
            raise Forbidden(
                expected=f"`{name}` of this machine, since no key is needed",
                received="another one",
                remedy="call it localhost or 127.0.0.1, or set REID_KEYS_FILE and send a key",
            )


def _host_in(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether an address, or a name, can only be of this machine."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
