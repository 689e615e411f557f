"""Many tracklets to a service: a few at a time, retried when it asks for it, none lost."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.client.connection import ReidClientError
from service.client.tracklet_folder import TrackletFolder, TrackletFolderError

Answer = TypeVar("Answer")

ATTEMPTS = 6
LONGEST_WAIT_S = 30.0
WORTH_A_RETRY = (None, 429, 503, 504)
"""No answer, overloaded, not ready, too slow. All calls made here can be repeated safely."""


@dataclass(frozen=True)
class Outcome(Generic[Answer]):
    """What became of one tracklet: an answer, or the code and text of an error."""

    folder: TrackletFolder
    answer: Answer | None = None
    error_code: str | None = None
    error: str | None = None


def for_each(
    folders: Sequence[TrackletFolder],
    call: Callable[[TrackletFolder], Answer],
    *,
    concurrency: int,
) -> Generator[Outcome[Answer], None, None]:
    """Call the service for every tracklet, `concurrency` at a time; one outcome each, any order.

    When the service stays unreachable, the tracklets not yet sent are given up at once. When the
    caller is interrupted or closes the iterator, nobody waits for a retry any more.
    """
    left = iter(folders)
    gone = False
    stopping = threading.Event()
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="bulk")
    try:
        running: set[Future[Outcome[Answer]]] = set()
        while True:
            while not gone and len(running) < concurrency and (folder := next(left, None)):
                running.add(pool.submit(_outcome, folder, call, stopping))
            if not running:
                break
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                outcome = future.result()
                gone = gone or outcome.error_code == "unreachable"
                yield outcome
    finally:
        stopping.set()
        pool.shutdown(wait=False, cancel_futures=True)
    for folder in left:
        yield Outcome(folder, error_code="not_sent", error="the service could not be reached")


def with_retries(
    call: Callable[[], Answer],
    *,
    sleep: Callable[[float], object] = time.sleep,
) -> Answer:
    """The call's answer, waiting as long as the service asks between attempts.

    Args:
        call: Asks the service; may be repeated safely.
        sleep: Waits so many seconds; an answer that is true means to give up.

    Raises:
        ReidClientError: At once when a retry is useless, else that of the last attempt.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return call()
        except ReidClientError as error:
            if error.status not in WORTH_A_RETRY:
                raise
            pause_s = error.retry_after_s or 0.5 * 2 ** (attempt - 1)
            if sleep(min(pause_s, LONGEST_WAIT_S)):
                raise
    return call()


def _outcome(
    folder: TrackletFolder, call: Callable[[TrackletFolder], Answer], stopping: threading.Event
) -> Outcome[Answer]:
    try:
        answer = with_retries(lambda: call(folder), sleep=stopping.wait)
        return Outcome(folder, answer=answer)
    except ReidClientError as error:
        return Outcome(folder, error_code=error.code, error=error.message)
    except TrackletFolderError as error:
        return Outcome(folder, error_code="unreadable_folder", error=str(error))
