"""A thread that does the same piece of work again and again, and whose death somebody notices."""

import logging
import threading
from collections.abc import Callable

from service.errors import ReidError
from service.log import log_event

logger = logging.getLogger(__name__)


class PeriodicThread:
    """Does `work` every `every_s` seconds, and at once when woken.

    Work that raises a `ReidError` is logged and done again later: a store may be away for a while.
    Any other error is a fault of ours; it ends the thread, and `alive` says so.

    Args:
        name: Of the thread, and of what it does in the log.
        work: Done again and again.
        every_s: Seconds from the end of one time to the beginning of the next.
    """

    def __init__(self, name: str, work: Callable[[], None], *, every_s: float) -> None:
        self._name = name
        self._work = work
        self._every_s = every_s
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it does its work; true before the start and after the close too."""
        return self._closing.is_set() or self._thread.ident is None or self._thread.is_alive()

    @property
    def failures(self) -> int:
        """How often the work has failed since the start."""
        return self._failures

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Do the work as soon as what is being done is done."""
        self._woken.set()

    def close(self) -> None:
        """Finish what is being done and end; a second call does nothing."""
        self._closing.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            try:
                self._work()
            except ReidError as error:
                self._failures += 1
                log_event(
                    logger, logging.WARNING, "work_postponed", work=self._name, code=error.code
                )
            self._woken.wait(self._every_s)
