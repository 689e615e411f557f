"""The items of many requests side by side in memory, as a backend takes them."""

from collections.abc import Sequence

import numpy as np

from service.batching.batch_size import padded_size
from service.batching.request import Items, Piece


class Assembly:
    """Copies pieces into buffers that are used again and again, in turn.

    Args:
        sizes: Ascending sizes of batches.
        buffers: Batches that exist at a time.
    """

    def __init__(self, sizes: tuple[int, ...], *, buffers: int) -> None:
        self.buffers = buffers
        self._sizes = sizes
        self._buffers: list[Items] = [np.empty((0,), np.uint8)] * buffers
        self._next = 0

    def rows(self, pieces: Sequence[Piece]) -> Items:
        """The items of all pieces, padded to a size; not copied where one piece is all of it.

        Raises:
            ValueError: When the items differ in their shapes.
        """
        count = sum(len(piece.items) for piece in pieces)
        size = padded_size(count, self._sizes)
        if len(pieces) == 1 and size == count:
            return np.ascontiguousarray(pieces[0].items)
        rows = self._buffer(pieces[0].items.shape[1:])[:size]
        start = 0
        for piece in pieces:
            stop = start + len(piece.items)
            rows[start:stop] = piece.items
            start = stop
        rows[start:] = 0
        return rows

    def _buffer(self, shape: tuple[int, ...]) -> Items:
        place = self._next
        self._next = (place + 1) % len(self._buffers)
        if self._buffers[place].shape[1:] != shape:
            self._buffers[place] = np.empty((self._sizes[-1], *shape), np.uint8)
        return self._buffers[place]
