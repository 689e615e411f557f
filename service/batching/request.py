"""One call on its way through batches, and the part of it that goes into one batch."""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.batching.observer import DropReason
from service.batching.urgency import Urgency

Items = NDArray[np.uint8]
Features = NDArray[np.float32]


class Computed(NamedTuple):
    """Features [n, d] of one call, and how long it waited and was computed."""

    features: Features
    queued_s: float
    inference_s: float


@dataclass(slots=True, eq=False)
class Request:
    """Items [n, h, w, 3] or [n, t, h, w, 3] of one call, and who waits for their features.

    Attributes:
        items: Given up as soon as nobody waits for them.
        came_s: Moment of the call.
        taken: So many are in a batch or done; guarded by the queue's lock, as `dead` is.
        taken_s: Moment at which the first of them was.
        dead: Nobody waits, or it has failed already.
        dropped: Why what is left was not computed, where that is to be counted.
    """

    items: Items
    urgency: Urgency
    future: asyncio.Future[Computed]
    loop: asyncio.AbstractEventLoop
    came_s: float
    taken: int = 0
    taken_s: float = 0.0
    dead: bool = False
    dropped: DropReason | None = None
    count: int = field(init=False)
    _features: Features | None = field(init=False, default=None)
    _missing: int = field(init=False)

    def __post_init__(self) -> None:
        """Remember what must outlive the items."""
        self.count = self._missing = len(self.items)

    @property
    def left(self) -> int:
        """Items that are in no batch yet."""
        return self.count - self.taken

    def fill(self, start: int, features: Features, done_s: float) -> None:
        """Take in the features of the items from `start` on; called by its own loop only.

        Raises:
            ValueError: When they do not fit beside those that came before.
        """
        if len(features) == self.count and features.base is None:
            self._features = features  # the backend's own array of them alone: not a whole batch's
        else:
            if self._features is None:
                self._features = np.empty((self.count, features.shape[1]), np.float32)
            self._features[start : start + len(features)] = features
        self._missing -= len(features)
        if not self._missing:
            queued_s = self.taken_s - self.came_s
            inference_s = done_s - self.taken_s
            self.future.set_result(Computed(self._features, queued_s, inference_s))


class Piece(NamedTuple):
    """The items of one request, from `start` on, that go into one batch."""

    request: Request
    start: int
    items: Items
