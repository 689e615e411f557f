"""A server that is told to stop and first lets whoever sends requests find that out.

The first SIGTERM begins to drain: readiness fails, every request is still served. When that has
lasted long enough, connections are refused, requests under way are finished, and the process ends.
Each further signal skips what is left of a step. SIGINT, by which a person stops, skips draining.
"""

import asyncio
import signal
import socket
import time
from types import FrameType

import uvicorn

from service.lifecycle import Lifecycle


class DrainingServer(uvicorn.Server):
    """Serves until a signal, drains, finishes; SIGHUP makes it read its artifact again.

    Args:
        config: As uvicorn takes it; its grace is for requests that are finished.
        lifecycle: Told of each step.
        drain_s: Seconds from the first SIGTERM on in which requests are still served.
    """

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, *, drain_s: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_s = drain_s
        self._until_s: float | None = None
        self._told = False

    def drain(self, seconds: float) -> None:
        """Begin to drain, as SIGTERM does; a signal handler may call it."""
        self._until_s = time.monotonic() + seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 as uvicorn's
        """Go on to the next step; the signal is not raised again, so that the exit is clean."""
        if self.should_exit:
            self.force_exit = True
        elif sig == signal.SIGTERM and self._until_s is None:
            self.drain(self._drain_s)
        else:
            self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and hear of SIGHUP."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._lifecycle.reload_soon)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop now."""
        if self._until_s is not None:
            if not self._told:
                self._told = True
                self._lifecycle.drain()
            if time.monotonic() >= self._until_s:
                self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse, finish, and close the application."""
        self._lifecycle.refuse()
        await super().shutdown(sockets)
