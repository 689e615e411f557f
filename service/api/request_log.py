"""Gives every request an id and tells log, metrics and trace about it when it has been answered."""

import logging
import re
import time
import uuid
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.answered_request import CLIENT_CLOSED_REQUEST, AnsweredRequest
from service.api.access import key_name
from service.api.server_timing import SERVER_TIMING_HEADER, server_timing
from service.errors import ReidError
from service.log import Field, log_fields, request_of_log
from service.stage_times import StageTimes, collecting

REQUEST_ID_HEADER = "X-Request-ID"

logger = logging.getLogger(__name__)

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""Any other is one that a caller made up, and there is no end of those."""


def request_id(scope: Scope) -> str | None:
    """The id of the request that `scope` belongs to."""
    identifier = scope.get("state", {}).get("request_id")
    return identifier if isinstance(identifier, str) else None


def note_error(scope: Scope, code: str) -> None:
    """Say with which error's code the request that `scope` belongs to is answered."""
    scope.setdefault("state", {})["error_code"] = code


@dataclass(slots=True)
class _Exchange:
    """One request while it is answered."""

    scope: Scope
    headers: Headers
    identifier: str
    began_s: float
    stages: StageTimes
    status: int = CLIENT_CLOSED_REQUEST
    sent_bytes: int = 0

    def see(self, message: Message) -> None:
        """Add to what is sent, and learn from it."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID_HEADER] = self.identifier
            headers[SERVER_TIMING_HEADER] = server_timing(
                self.stages, time.monotonic() - self.began_s
            )
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.sent_bytes += len(message.get("body", b""))

    def ended(self) -> AnsweredRequest:
        """What is known of it now."""
        method = self.scope["method"]
        return AnsweredRequest(
            request_id=self.identifier,
            method=method if method in _METHODS else "OTHER",
            route=_route_template(self.scope),
            status=self.status,
            error_code=self.scope["state"].get("error_code"),
            began_s=self.began_s,
            duration_s=time.monotonic() - self.began_s,
            sent_bytes=self.sent_bytes,
            stages=self.stages,
            traceparent=self.headers.get("traceparent"),
            key_name=key_name(self.scope),
        )


class Watch(Protocol):
    """Wants to know of requests; must be quick."""

    def began(self) -> None:
        """A request has begun."""
        ...

    def ended(self, answered: AnsweredRequest) -> None:
        """A request was answered, or its client has left."""
        ...


class RequestLog:
    """ASGI middleware: request id in and out, stage times out, one log line with the template.

    The raw path is not logged, because it holds the ids of tracklets and people.

    Args:
        app: What answers.
        watch: Told of each request beside the log.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        watch: Watch | None = None,
    ) -> None:
        self._app = app
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        identifier = _chosen_id(headers.get(REQUEST_ID_HEADER))
        scope.setdefault("state", {})["request_id"] = identifier
        if self._watch is not None:
            self._watch.began()
        with request_of_log(identifier), collecting() as stages:
            exchange = _Exchange(scope, headers, identifier, time.monotonic(), stages)

            async def send_with_id(message: Message) -> None:
                exchange.see(message)
                await send(message)

            try:
                await self._app(scope, receive, send_with_id)
            except Exception:
                exchange.status = ReidError.status
                note_error(scope, ReidError.code)
                raise
            finally:
                self._tell(exchange.ended())

    def _tell(self, answered: AnsweredRequest) -> None:
        if self._watch is not None:
            self._watch.ended(answered)
        log_request(answered)


def log_request(answered: AnsweredRequest) -> None:
    """Write the line about a request that has ended."""
    fields: dict[str, Field] = {
        "method": answered.method,
        "route": answered.route,
        "status": answered.status,
        "duration_s": round(answered.duration_s, 6),
        "sent_bytes": answered.sent_bytes,
    }
    if answered.key_name is not None:
        fields["key"] = answered.key_name
    if answered.error_code is not None:
        fields["code"] = answered.error_code
    for stage, seconds in answered.stages.seconds.items():
        fields[f"{stage}_s"] = round(seconds, 6)
    log_fields(logger, logging.INFO, "request", fields)


def _chosen_id(sent: str | None) -> str:
    if sent is not None and _ACCEPTED_ID.fullmatch(sent):
        return sent
    return uuid.uuid4().hex


def _route_template(scope: Scope) -> str:
    template = getattr(scope.get("route"), "path", None)
    return template if isinstance(template, str) else "unmatched"
