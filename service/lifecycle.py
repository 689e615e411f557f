"""Owns the runtime from start to stop, so that the port can be bound before the model is loaded."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from service.batching.backend import BackendLost
from service.batching.observer import BatchObserver
from service.errors import Conflict, InvalidInput, NotReady, ReidError
from service.leases import Leased
from service.loaded_model import ModelWatch, open_model
from service.log import log_event
from service.runtime import Runtime, open_runtime
from service.settings import Settings

logger = logging.getLogger(__name__)


class Lifecycle:
    """Opens the runtime in a background task and knows at any moment why it is not ready.

    Args:
        settings: The service's settings.
        observer: Told of the model's batches.
        when_start_fails: Called once with the error when the runtime cannot be opened. Without
            it the process goes on, alive and not ready.
        when_lost: Called once when the model's device is gone for good.
        problem: Why parts that are not of the runtime keep it from being ready; None when none do.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        observer: BatchObserver | None = None,
        when_start_fails: Callable[[BaseException], None] | None = None,
        when_lost: Callable[[BackendLost], None] | None = None,
        problem: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._when_start_fails = when_start_fails
        self._when_lost = when_lost
        self._problem = problem
        self._stopping = asyncio.Event()
        self._current: Leased[Runtime] | None = None
        self._reason = "starting"
        self._lost: str | None = None
        self._draining = False
        self._refusing = False
        self._task: asyncio.Task[None] | None = None
        self._reload: asyncio.Task[Runtime] | None = None
        self._retiring: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to open the runtime and return at once."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._hold_runtime())
        self._task.add_done_callback(self._end)

    async def stop(self) -> None:
        """Close the runtime; requests that come later are refused."""
        if self._task is None:
            return
        self._stopping.set()
        if self._current is None:
            self._task.cancel()
        await asyncio.wait([self._task])
        log_event(logger, logging.INFO, "stopped")

    def drain(self) -> None:
        """Be not ready from now on, so that callers go elsewhere; whoever comes is served."""
        self._draining = True
        log_event(logger, logging.INFO, "draining")

    def refuse(self) -> None:
        """Take no more work for the model; what is under way goes on."""
        self._refusing = True
        if self._current is not None:
            self._current.thing.admission.close()

    def runtime(self) -> Runtime:
        """The open runtime.

        Raises:
            NotReady: While there is none, with the reason.
        """
        return self._open().thing

    @contextmanager
    def lease(self) -> Iterator[Runtime]:
        """The open runtime, which is not closed for another in the body of the `with`.

        Raises:
            NotReady: As `runtime` does.
        """
        with self._open().lease() as runtime:
            yield runtime

    def unreadiness(self) -> str | None:
        """Why no requests should be sent here, as far as this class knows; None where they may."""
        if self._draining:
            return "a service that is about to stop"
        return self.illness() or self._problem()

    def illness(self) -> str | None:
        """Why only a new process can go on; None where this one can."""
        if self._lost is not None:
            return self._lost
        if self._current is None:
            return None
        return self._current.thing.embedder.health.reason

    async def reload(self, directory: Path) -> Runtime:
        """Serve another artifact from now on, in place of the one that is served.

        It is opened, held to its golden clip and warmed beside the one that serves. Requests that
        have begun end with the one that they began with, which is closed after them. A caller that
        is cancelled leaves the reload going on.

        Raises:
            InvalidInput: When it cannot be served: the one before goes on serving.
            Conflict: When another reload is under way.
            NotReady: Before the start and when the service stops.
        """
        return await asyncio.shield(self._begin_reload(directory))

    def reload_soon(self) -> None:
        """Serve what is now in the directory of the settings; the log alone tells the outcome."""
        try:
            self._begin_reload(self._settings.artifact_dir)
        except ReidError as error:
            log_event(logger, logging.WARNING, "reload_refused", reason=error.received)

    def _begin_reload(self, directory: Path) -> asyncio.Task[Runtime]:
        if self._reload is not None and not self._reload.done():
            raise Conflict(
                expected="one reload at a time",
                received="another while one is under way",
                remedy="wait for the event model_reloaded or reload_refused of the log",
            )
        self._open()
        if self._draining:
            # The stop would wait for it, however long an engine takes to build.
            raise _stops()
        self._reload = asyncio.create_task(self._replace(directory))
        self._reload.add_done_callback(_log_reload)
        return self._reload

    def _open(self) -> Leased[Runtime]:
        if self._current is None:
            raise NotReady(
                expected="a service that has started",
                received=self._reason,
                remedy="retry when /readyz answers 200",
                retry_after_s=1,
            )
        return self._current

    async def _hold_runtime(self) -> None:
        opening = open_runtime(
            self._settings, self._report, observer=self._observer, on_lost=self._tell_lost
        )
        async with opening as runtime:
            self._current = Leased(runtime)
            log_event(logger, logging.INFO, "ready", model_version=runtime.manifest.model.version)
            await self._stopping.wait()
            self._reason = "stopping"
            await self._let_go()

    async def _let_go(self) -> None:
        """Close whatever model serves now and those before it."""
        if self._reload is not None:
            await asyncio.wait([self._reload])
        current, self._current = self._current, None
        for retiring in self._retiring:
            retiring.cancel()
        if self._retiring:
            await asyncio.wait(self._retiring)
        if current is not None:
            await current.thing.model.close()

    async def _replace(self, directory: Path) -> Runtime:
        watch = ModelWatch(_log_phase, self._observer, self._tell_lost)
        try:
            model = await open_model(directory, self._settings, watch)
        except Exception as error:
            # Runtimes raise classes of their own; whichever it is, the model before goes on.
            raise InvalidInput(
                expected="an artifact that this service can serve",
                received=str(error),
                remedy="the model before goes on serving; correct the artifact and reload it",
            ) from error
        before = self._current
        if before is None or self._refusing or self._stopping.is_set():
            # Another model would take work that the one before was told to refuse.
            await model.close()
            raise _stops()
        self._current = Leased(before.thing.with_model(model))
        retiring = asyncio.create_task(_retire(before))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        return self._current.thing

    def _tell_lost(self, error: BackendLost) -> None:
        """Called by a thread of the model."""
        self._loop.call_soon_threadsafe(self._lose, error)

    def _lose(self, error: BackendLost) -> None:
        if self._lost is not None:
            return
        self._lost = f"a device that is lost: {error}"
        log_event(logger, logging.ERROR, "device_lost", reason=str(error))
        if self._when_lost is not None:
            self._when_lost(error)

    def _report(self, phase: str) -> None:
        """Called by threads too; at the first start on a machine this goes on for a while."""
        self._reason = phase
        log_event(logger, logging.INFO, "starting", phase=phase)

    def _end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        self._current = None
        if self._stopping.is_set():
            log_event(logger, logging.ERROR, "stop_failed", error=error)
            return
        self._reason = f"the start failed: {error}"
        log_event(logger, logging.ERROR, "start_failed", reason=str(error))
        if self._when_start_fails is not None:
            self._when_start_fails(error)


def _stops() -> NotReady:
    return NotReady(
        expected="a service that goes on",
        received="a reload while it stops",
        remedy="the next start serves REID_ARTIFACT_DIR",
        retry_after_s=1,
    )


async def _retire(before: Leased[Runtime]) -> None:
    try:
        await before.idle()
    finally:
        await before.thing.model.close()
        log_event(logger, logging.INFO, "model_retired")


def _log_phase(phase: str) -> None:
    log_event(logger, logging.INFO, "reloading", phase=phase)


def _log_reload(reload: asyncio.Task[Runtime]) -> None:
    """Also of one whose caller has left."""
    if reload.cancelled():
        return
    error = reload.exception()
    if error is None:
        version = reload.result().manifest.model.version
        log_event(logger, logging.INFO, "model_reloaded", model_version=version)
    else:
        received = error.received if isinstance(error, ReidError) else str(error)
        log_event(logger, logging.ERROR, "reload_refused", reason=received)
