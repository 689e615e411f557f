"""Refuses what could not be answered in time before its body is read, when requests pile up.

Admission decides by frames, once an upload has been read. Where the model is quicker than the event
loop, requests wait before that: to be routed, read and taken apart, and most of that work would be
for answers that come too late. So requests are counted from their head to their answer, and
compared with how many are really answered a second.
"""

import math
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.error_handlers import error_answer
from service.batching.answer_rate import AnswerRate
from service.batching.urgency import Priority
from service.errors import Overloaded

_UPLOADS = ("/embed", "/search", "/v1/embeddings")
_HEADROOM = 1.25
"""As of admission: a predicted wait is kept to in this much more time."""
_LEAST_UNDER_WAY = 32
"""So few are never refused here: their rate says little, and admission sees them soon."""


class EarlyRefusal:
    """ASGI middleware: 429 with a truthful Retry-After, by the pace of requests of the same kind.

    Requests of one path and one `X-Priority` are of a kind, so that a search is not refused for
    the enrolments that wait behind it.

    Args:
        app: What answers.
        usual_s: Time of a request that asks for none.
        longest_s: The most that one may ask for.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        usual_s: float,
        longest_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._usual_s = usual_s
        self._longest_s = longest_s
        self._clock = clock
        self._kinds: dict[tuple[str, bool], _Kind] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] not in _UPLOADS or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind = self._kind(scope["path"], headers)
        refusal = kind.refusal(within_s=_asked_s(headers, self._usual_s))
        if refusal is not None:
            await error_answer(Request(scope), refusal)(scope, receive, send)
            return
        status = 0

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        kind.began()
        try:
            await self._app(scope, receive, send_seen)
        finally:
            kind.ended(was_answered=status not in {0, Overloaded.status})

    def _kind(self, path: str, headers: Headers) -> "_Kind":
        key = (path, headers.get("x-priority") == "interactive")
        if key not in self._kinds:
            self._kinds[key] = _Kind(self._clock, longest_s=self._longest_s)
        return self._kinds[key]


class _Kind:
    """How many requests of one kind are under way, and how many are answered a second."""

    def __init__(self, clock: Callable[[], float], *, longest_s: float) -> None:
        self._rate = AnswerRate(clock)
        self._longest_s = longest_s
        self._under_way = 0

    def began(self) -> None:
        self._rate.advance(busy=self._is_busy)
        self._under_way += 1

    def ended(self, *, was_answered: bool) -> None:
        self._rate.advance(busy=self._is_busy)
        if was_answered and self._is_busy:
            self._rate.answered(1, Priority.BULK)
        self._under_way -= 1

    @property
    def _is_busy(self) -> bool:
        """Whether what is answered now says how much can be: one alone says how long it takes."""
        return self._under_way > 1

    def refusal(self, *, within_s: float) -> Overloaded | None:
        """Why one more would not be answered in time; None where it would."""
        if self._under_way < _LEAST_UNDER_WAY:
            return None
        self._rate.advance(busy=True)
        rate = self._rate.per_s()
        if rate is None or (self._under_way + 1) / rate * _HEADROOM <= within_s:
            return None
        # After a stall the rate says days, but nobody under way outlasts his deadline.
        wait_s = min(self._under_way / rate, self._longest_s)
        return Overloaded(
            expected="an answer before the request's deadline",
            received=f"{self._under_way} requests under way, a wait of about {wait_s:.1f} s",
            remedy="send the request again later",
            retry_after_s=max(1, math.ceil(wait_s)),
        )


def _asked_s(headers: Headers, usual_s: float) -> float:
    """The time that the request asks for; what is no time is refused by its route."""
    try:
        asked = float(headers.get("x-timeout-s") or usual_s)
    except ValueError:
        return usual_s
    return asked if 0 < asked < math.inf else usual_s
