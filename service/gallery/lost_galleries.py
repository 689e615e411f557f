"""Galleries that a store in use no longer has, although nobody dropped them.

Redis was emptied, or came back with another volume. What searches saw is gone, and a service that
answers 404 to everything is not ready.
"""

from collections.abc import Iterable

from service.gallery.stores.protocol import GalleryInfo, GalleryStore


class LostGalleries:
    """Told of every look at the store's catalogue; one thread at a time does so.

    Args:
        store: Remembers which galleries were dropped.
    """

    def __init__(self, store: GalleryStore) -> None:
        self._store = store
        self._names: dict[str, str] = {}

    def compare(self, known: Iterable[GalleryInfo], held: set[str]) -> None:
        """Note what is missing now, and what has come back.

        Args:
            known: The galleries as they were read before.
            held: Ids of those that the store has.

        Raises:
            StoreUnavailable: When the store does not answer; nothing is noted.
        """
        candidates = {**self._names, **{info.gallery_id: info.name for info in known}}
        self._names = {
            gallery_id: name
            for gallery_id, name in candidates.items()
            if gallery_id not in held and not self._store.was_dropped(gallery_id)
        }

    def problem(self) -> str | None:
        """What is missing; None where nothing is."""
        for name in sorted(self._names.values()):
            return f"the store has lost gallery {name!r}; put the store's data back"
        return None
