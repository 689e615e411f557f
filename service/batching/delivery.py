"""From a lane's thread to the event loops of those who wait: each loop is woken once a batch."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from service.batching.batch_runner import failed
from service.batching.request import Features, Request
from service.errors import ReidError


class Outcome(NamedTuple):
    """Features of the items from `start` on, or why there are none.

    Attributes:
        done_s: Moment at which it was known.
    """

    request: Request
    start: int
    result: Features | ReidError
    done_s: float


def deliver(outcomes: Sequence[Outcome]) -> None:
    """Hand outcomes to the loops of their requests."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for outcome in outcomes:
        by_loop.setdefault(outcome.request.loop, []).append(outcome)
    for loop, own in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, own)
        except RuntimeError:
            continue  # A closed loop has nobody left who waits.


def _settle(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        future = outcome.request.future
        if future.done():
            continue
        if isinstance(outcome.result, ReidError):
            future.set_exception(outcome.result)
            continue
        try:
            outcome.request.fill(outcome.start, outcome.result, outcome.done_s)
        except Exception as error:  # noqa: BLE001 - the others of the batch wait as well
            # For one, features of another width than those of the request's first batch.
            future.set_exception(failed(error))
