"""Being told to stop: the first signal ends the run after its step, the second one at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Which signal has come, if any."""

    number: int | None = None


class TrainingInterruptedError(Exception):
    """A signal ended a run early, after its checkpoint was written.

    Attributes:
        exit_status: 128 + the signal's number, as shells have it: 130 or 143.
    """

    def __init__(self, stop: StopRequest, *, step: int) -> None:
        # Another process of the run may have been the one that was told.
        number = signal.SIGTERM if stop.number is None else stop.number
        super().__init__(
            f"stopped by {signal.Signals(number).name} after {step} steps, which are in the "
            "checkpoint; the same command goes on from there"
        )
        self.exit_status = 128 + number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Note SIGINT and SIGTERM in the body instead of dying; a second signal acts as it always did.

    Outside the main thread nobody can catch signals, and nothing is noted.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    previous = {number: signal.getsignal(number) for number in _SIGNALS}

    def put_back() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def note(number: int, _frame: FrameType | None) -> None:
        request.number = number
        put_back()

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield request
    finally:
        put_back()
