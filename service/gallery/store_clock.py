"""The store's clock, read now and then: no search waits for the store to tell the time."""

import time

from service.gallery.stores.protocol import GalleryStore


class StoreClock:
    """Unix seconds of the store's clock, which is the same for every replica.

    Args:
        store: Whose clock it is.
    """

    def __init__(self, store: GalleryStore) -> None:
        self._store = store
        self._ahead_s = 0.0

    def read(self) -> None:
        """Ask the store.

        Raises:
            StoreUnavailable: When it does not answer; the time goes on as it was known.
        """
        self._ahead_s = self._store.now_s() - time.monotonic()

    def now_s(self) -> float:
        """The time now, as last read and gone on since."""
        return time.monotonic() + self._ahead_s
