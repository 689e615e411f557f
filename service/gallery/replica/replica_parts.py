"""What the parts of one replica share."""

from collections.abc import Callable
from dataclasses import dataclass

from service.gallery.replica.replica_marks import ReplicaMarks
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.replica.served_index import ServedIndex
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.replica.snapshot_keeper import SnapshotKeeper
from service.gallery.stores.protocol import GalleryInfo, GalleryStore


@dataclass(frozen=True, slots=True)
class ReplicaParts:
    """The parts of one replica.

    Attributes:
        store: The truth.
        info: Which gallery.
        served: What may be searched.
        snapshots: Where an index may be read from.
        keeper: Writes them when it is time.
        marks: Say in the store how far this replica has come.
        options: Times and sizes.
        clock: Monotonic seconds.
    """

    store: GalleryStore
    info: GalleryInfo
    served: ServedIndex
    snapshots: SnapshotDirectory
    keeper: SnapshotKeeper
    marks: ReplicaMarks
    options: ReplicaOptions
    clock: Callable[[], float]
