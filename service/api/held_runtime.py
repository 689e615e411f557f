"""A request keeps the runtime that it began with until its last byte is sent."""

from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

_T = TypeVar("_T")


class ReleaseRuntime:
    """ASGI middleware: what a request holds is given back when it has ended, however it ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with ExitStack() as held:
            scope.setdefault("state", {})["held"] = held
            await self._app(scope, receive, send)


def hold(scope: Scope, lease: AbstractContextManager[_T]) -> _T:
    """Enter the lease until the request of `scope` ends.

    Raises:
        RuntimeError: When nobody would end it: the application has no `ReleaseRuntime`.
    """
    held: ExitStack | None = scope.get("state", {}).get("held")
    if held is None:
        raise RuntimeError("expected the middleware ReleaseRuntime, received a request without it")
    return held.enter_context(lease)
