"""What waits for a batch: oldest first within a class, searches before bulk, bulk never starved."""

from collections import deque
from dataclasses import dataclass, field

from service.batching.observer import DropReason
from service.batching.request import Piece, Request
from service.batching.urgency import Priority


@dataclass(slots=True)
class Taken:
    """What was taken off the queue for one batch.

    Attributes:
        pieces: Items to compute, in the order of their features.
        expired: Requests whose moment has passed; they are to be told.
        dropped: Items that are never computed, by the reason.
    """

    pieces: list[Piece] = field(default_factory=list)
    expired: list[Request] = field(default_factory=list)
    dropped: dict[DropReason, int] = field(default_factory=dict)


class WaitingItems:
    """Two queues of requests, one a class; no thread and no clock of its own.

    Args:
        bulk_share: Of what is taken while both classes wait, so much is bulk.
    """

    def __init__(self, bulk_share: float) -> None:
        self._bulk_share = bulk_share
        self._queues: dict[Priority, deque[Request]] = {each: deque() for each in Priority}
        self._live = dict.fromkeys(Priority, 0)
        self._owed_to_bulk = 0.0

    @property
    def live(self) -> int:
        """Items that wait and that somebody waits for."""
        return sum(self._live.values())

    @property
    def only_dead(self) -> bool:
        """Whether requests are left, and nobody waits for any of them."""
        return not self.live and any(self._queues.values())

    @property
    def oldest_s(self) -> float:
        """Moment at which the oldest request that waits came; only while one does."""
        return min(queue[0].came_s for queue in self._queues.values() if queue)

    def add(self, request: Request) -> None:
        """Let a request wait behind the others of its class."""
        self._queues[request.urgency.priority].append(request)
        self._live[request.urgency.priority] += request.count

    def abandon(self, request: Request, reason: DropReason | None) -> None:
        """Give up what is left of a request, and its pixels; it is skipped when its turn comes."""
        if request.dead:
            return
        request.dead = True
        request.dropped = reason
        self._live[request.urgency.priority] -= request.left
        request.items = request.items[:0].copy()

    def take(self, items: int, now_s: float) -> Taken:
        """Take up to so many items that somebody waits for, and all dead requests before them."""
        taken = Taken()
        bulk = self._bulk_items(items)
        bulk_left = self._live[Priority.BULK]
        room = items - bulk - self._pop(Priority.INTERACTIVE, items - bulk, now_s, taken)
        room = bulk + room - self._pop(Priority.BULK, bulk + room, now_s, taken)
        # Where expired bulk made room again.
        if room:
            self._pop(Priority.INTERACTIVE, room, now_s, taken)
        given = bulk_left - self._live[Priority.BULK]
        self._owed_to_bulk = max(0.0, self._owed_to_bulk - given)
        return taken

    def clear(self) -> list[Request]:
        """Take all requests away that somebody waits for."""
        waiting = [
            request for queue in self._queues.values() for request in queue if not request.dead
        ]
        for priority in Priority:
            self._queues[priority].clear()
            self._live[priority] = 0
        return waiting

    def _bulk_items(self, items: int) -> int:
        """How many of these are bulk's whatever else waits; the fraction is owed to it."""
        if not (self._live[Priority.BULK] and self._live[Priority.INTERACTIVE]):
            self._owed_to_bulk = 0.0
            return 0
        self._owed_to_bulk += items * self._bulk_share
        return min(int(self._owed_to_bulk), self._live[Priority.BULK])

    def _pop(self, priority: Priority, items: int, now_s: float, taken: Taken) -> int:
        queue = self._queues[priority]
        popped = 0
        while queue and (popped < items or queue[0].dead):
            request = queue[0]
            self._drop_when_expired(request, now_s, taken)
            if request.dead:
                queue.popleft()
                if request.dropped is not None:
                    before = taken.dropped.get(request.dropped, 0)
                    taken.dropped[request.dropped] = before + request.left
                continue
            piece = _cut(request, items - popped, now_s)
            taken.pieces.append(piece)
            popped += len(piece.items)
            self._live[priority] -= len(piece.items)
            if not request.left:
                queue.popleft()
        return popped

    def _drop_when_expired(self, request: Request, now_s: float, taken: Taken) -> None:
        until_s = request.urgency.until_s
        if not request.dead and until_s is not None and until_s <= now_s:
            self.abandon(request, "expired")
            taken.expired.append(request)


def _cut(request: Request, items: int, now_s: float) -> Piece:
    if not request.taken:
        request.taken_s = now_s
    start = request.taken
    piece = Piece(request, start, request.items[start : start + items])
    request.taken += len(piece.items)
    return piece
