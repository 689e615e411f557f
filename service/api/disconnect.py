"""Stops work that nobody waits for: a request whose client has gone is cancelled."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class CancelWhenClientLeaves:
    """ASGI middleware: cancels the application when the client disconnects before the answer.

    Frames that still wait to be decoded or embedded then cost nothing more. A write that has
    reached the store is finished by its own thread. A request whose body is never read is not
    watched, because listening would invite the client to send the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        failure: list[Exception] = []
        async with anyio.create_task_group() as tasks:

            async def cancel_when_client_leaves() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            async def watched_receive() -> Message:
                message = await receive()
                if message["type"] == "http.disconnect":
                    # Of a body of lines, what came before is still being worked on.
                    tasks.cancel_scope.cancel()
                elif not message.get("more_body", False):
                    tasks.start_soon(cancel_when_client_leaves)
                return message

            try:
                await self._app(scope, watched_receive, send)
            except Exception as error:  # noqa: BLE001 raised again outside the group
                failure.append(error)
            tasks.cancel_scope.cancel()
        if failure:
            raise failure[0]
