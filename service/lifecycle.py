"""Owns the runtime from start to stop, so that the port can be bound before the model is loaded."""

import asyncio
import logging
from collections.abc import Callable

from service.errors import NotReady
from service.log import log_event
from service.runtime import Runtime, open_runtime
from service.settings import Settings

logger = logging.getLogger(__name__)


class Lifecycle:
    """Opens the runtime in a background task and knows at any moment why it is not ready.

    Args:
        settings: The service's settings.
        when_start_fails: Called once with the error when the runtime cannot be opened. Without
            it the process goes on, alive and not ready.
    """

    def __init__(
        self, settings: Settings, *, when_start_fails: Callable[[BaseException], None] | None = None
    ) -> None:
        self._settings = settings
        self._when_start_fails = when_start_fails
        self._stopping = asyncio.Event()
        self._runtime: Runtime | None = None
        self._reason = "starting"
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to open the runtime and return at once."""
        self._task = asyncio.create_task(self._hold_runtime())
        self._task.add_done_callback(self._end)

    async def stop(self) -> None:
        """Close the runtime; requests that come later are refused."""
        if self._task is None:
            return
        self._stopping.set()
        if self._runtime is None:
            self._task.cancel()
        await asyncio.wait([self._task])
        log_event(logger, logging.INFO, "stopped")

    def runtime(self) -> Runtime:
        """The open runtime.

        Raises:
            NotReady: While there is none, with the reason.
        """
        if self._runtime is None:
            raise NotReady(
                expected="a service that has started",
                received=self._reason,
                remedy="retry when /readyz answers 200",
                retry_after_s=1,
            )
        return self._runtime

    async def _hold_runtime(self) -> None:
        async with open_runtime(self._settings, self._report) as runtime:
            self._runtime = runtime
            log_event(logger, logging.INFO, "ready", model_version=runtime.manifest.model.version)
            await self._stopping.wait()
            self._runtime = None
            self._report("stopping")

    def _report(self, phase: str) -> None:
        self._reason = phase

    def _end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        self._runtime = None
        self._reason = f"the start failed: {error}"
        log_event(logger, logging.ERROR, "start_failed", reason=str(error))
        if self._when_start_fails is not None:
            self._when_start_fails(error)
