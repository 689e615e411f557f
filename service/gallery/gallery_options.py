"""Bounds and waits of the gallery."""

from dataclasses import dataclass
from pathlib import Path

from service.gallery.catalogue import CatalogueLimits


@dataclass(frozen=True, slots=True)
class GalleryOptions:
    """How much is done at a time, how much may wait, and how long.

    Attributes:
        catalogue: Of galleries and their replicas.
        search_threads: Searches that run at a time.
        write_threads: Writes that are under way at a time.
        read_threads: Other reads at a time, those that wait for a write among them.
        most_waiting_searches: Searches that may wait or run; and as many other reads.
        most_waiting_writes: Writes that may wait or run.
        min_seq_within_s: How long a read waits for the write it asks for.
        snapshot_dir: Holds the snapshots of all galleries of this process.
        accept_loss: Whether to start over a store that has lost galleries with snapshots there.
    """

    catalogue: CatalogueLimits
    search_threads: int
    write_threads: int
    read_threads: int
    most_waiting_searches: int
    most_waiting_writes: int
    min_seq_within_s: float
    snapshot_dir: Path
    accept_loss: bool = False
