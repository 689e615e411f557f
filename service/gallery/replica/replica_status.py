"""What is known of a replica at a moment, for readiness, metrics and people."""

from dataclasses import dataclass
from typing import Literal

from service.gallery.stores.protocol import GalleryState
from service.gallery.stores.row_codec import DamagedRow

Phase = Literal[
    "starting", "serving", "rebuilding", "drifted", "gone", "unreachable", "dead", "stopped"
]
"""`drifted`: what was read is not what the store says it holds. `gone`: the store has no such
gallery. `unreachable`: the store could not be read before anything was served. `dead`: the thread
ended by a mistake of ours."""


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """A replica at a moment; counts are since its start.

    Attributes:
        gallery: Name of the gallery.
        phase: Searches are answered only while it is `serving`.
        is_ready: It serves, has heard from the store lately, and is not far behind.
        reason: Why it is not ready; empty when it is.
        state: Of the index; None without one.
        stored_seq: The last write of the store that was heard of.
        stale_for_s: Since the store was last heard of.
        snapshot_seq: Last write in the newest snapshot; 0 without one.
        snapshot_age_s: Since that was written by this process; None if it was not.
        damaged: Rows that are damaged in the store, and not served.
        rebuilds: How often the index was made from all rows of the store.
        divergences: How often what was served was found to differ from the store.
        snapshots: How many were written.
        snapshot_failures: How many could not be written.
    """

    gallery: str
    phase: Phase
    is_ready: bool
    reason: str
    state: GalleryState | None
    stored_seq: int
    stale_for_s: float
    snapshot_seq: int
    snapshot_age_s: float | None
    damaged: tuple[DamagedRow, ...]
    rebuilds: int
    divergences: int
    snapshots: int
    snapshot_failures: int

    @property
    def lag(self) -> int:
        """Writes of the store that the index has not applied."""
        return max(0, self.stored_seq - (self.state.seq if self.state else 0))
