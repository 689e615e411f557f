"""A gallery's replica together with its approximate tier, for whoever must forget."""

from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.view import View
from service.gallery.replica.replica import GalleryReplica


class ErasableGallery:
    """What an erasure needs of a gallery in this process: every copy is reached.

    Args:
        replica: Started.
        approximate: Holds copies of embeddings.
        name: Of this process' replicas.
    """

    def __init__(self, replica: GalleryReplica, approximate: ApproximateTier, *, name: str) -> None:
        self.name = name
        self._replica = replica
        self._approximate = approximate

    @property
    def forgotten_seq(self) -> int:
        """As in its `ReplicaMark`."""
        return self._replica.forgotten_seq

    @property
    def damaged_rows(self) -> int:
        """Rows of the store that are damaged, and in no view."""
        return len(self._replica.status().damaged)

    def view(self) -> View:
        """What searches see."""
        return self._replica.view()

    def catch_up(self, timeout_s: float) -> View:
        """What searches see once all is applied that the store had written at this call."""
        return self._replica.catch_up(timeout_s)

    def wait_for(self, seq: int, timeout_s: float) -> None:
        """Wait until the write is applied."""
        self._replica.wait_for(seq, timeout_s)

    def forget_dead(self) -> bool:
        """Clear dead bytes from memory and snapshots; False while a search still holds some."""
        return self._replica.forget_dead(in_copies=self._approximate.forget_dead)
