"""One server, two ports: what is for operators alone is not even known to the other port."""

from starlette.types import ASGIApp, Receive, Scope, Send


class TwoPorts:
    """ASGI application: requests that came by the second port go to the operators' application.

    Args:
        public: Serves every other port, and is started and stopped.
        admin: Serves the second port.
        admin_port: The second port, as the socket has it.
    """

    def __init__(self, public: ASGIApp, admin: ASGIApp, *, admin_port: int) -> None:
        self._public = public
        self._admin = admin
        self._admin_port = admin_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        # The socket's own address: no header can name another one.
        server = scope.get("server")
        by_admin_port = server is not None and server[1] == self._admin_port
        await (self._admin if by_admin_port else self._public)(scope, receive, send)
