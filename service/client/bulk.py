"""Many tracklets to a service: a few at a time, retried when it asks for it, none lost."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.client.client import ReidClientError
from service.client.tracklet_folder import TrackletFolder, TrackletFolderError

Answer = TypeVar("Answer")

ATTEMPTS = 6
LONGEST_WAIT_S = 30.0
_WORTH_A_RETRY = (None, 429, 503, 504)
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
) -> Iterator[Outcome[Answer]]:
    """Call the service for every tracklet, `concurrency` at a time; one outcome each, any order.

    When the service stays unreachable, the tracklets not yet sent are given up at once.
    """
    left = iter(folders)
    gone = False
    with ThreadPoolExecutor(concurrency, thread_name_prefix="bulk") as pool:
        running: set[Future[Outcome[Answer]]] = set()
        while True:
            while not gone and len(running) < concurrency and (folder := next(left, None)):
                running.add(pool.submit(_outcome, folder, call))
            if not running:
                break
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                outcome = future.result()
                gone = gone or outcome.error_code == "unreachable"
                yield outcome
    for folder in left:
        yield Outcome(folder, error_code="not_sent", error="the service could not be reached")


def with_retries(
    call: Callable[[], Answer], *, sleep: Callable[[float], None] = time.sleep
) -> Answer:
    """The call's answer, waiting as long as the service asks between attempts.

    Raises:
        ReidClientError: At once when a retry is useless, else that of the last attempt.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return call()
        except ReidClientError as error:
            if error.status not in _WORTH_A_RETRY:
                raise
            pause_s = error.retry_after_s or 0.5 * 2 ** (attempt - 1)
            sleep(min(pause_s, LONGEST_WAIT_S))
    return call()


def _outcome(folder: TrackletFolder, call: Callable[[TrackletFolder], Answer]) -> Outcome[Answer]:
    try:
        return Outcome(folder, answer=with_retries(lambda: call(folder)))
    except ReidClientError as error:
        return Outcome(folder, error_code=error.code, error=error.message)
    except TrackletFolderError as error:
        return Outcome(folder, error_code="unreadable_folder", error=str(error))
