"""Gives every request an id and writes one line about it when it has been answered."""

import logging
import re
import time
import uuid
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.log import log_event

REQUEST_ID_HEADER = "X-Request-ID"

logger = logging.getLogger(__name__)

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLIENT_CLOSED_REQUEST = 499


def request_id(scope: Scope) -> str | None:
    """The id of the request that `scope` belongs to."""
    identifier = scope.get("state", {}).get("request_id")
    return identifier if isinstance(identifier, str) else None


@dataclass
class _Answered:
    status: int = _CLIENT_CLOSED_REQUEST
    sent_bytes: int = 0


class RequestLog:
    """ASGI middleware: request id in and out, and one log line with the route's template.

    The raw path is not logged, because it holds the ids of tracklets and people.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = _chosen_id(Headers(scope=scope).get(REQUEST_ID_HEADER))
        scope.setdefault("state", {})["request_id"] = identifier
        answered = _Answered()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = identifier
                answered.status = message["status"]
            elif message["type"] == "http.response.body":
                answered.sent_bytes += len(message.get("body", b""))
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            answered.status = 500
            raise
        finally:
            _log(scope, answered, time.perf_counter() - started)


def _chosen_id(sent: str | None) -> str:
    if sent is not None and _ACCEPTED_ID.fullmatch(sent):
        return sent
    return uuid.uuid4().hex


def _log(scope: Scope, answered: _Answered, duration_s: float) -> None:
    log_event(
        logger,
        logging.INFO,
        "request",
        request_id=request_id(scope),
        method=scope["method"],
        route=_route_template(scope),
        status=answered.status,
        duration_s=round(duration_s, 6),
        sent_bytes=answered.sent_bytes,
    )


def _route_template(scope: Scope) -> str:
    template = getattr(scope.get("route"), "path", None)
    return template if isinstance(template, str) else "unmatched"
