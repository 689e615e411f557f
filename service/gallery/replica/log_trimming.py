"""How much of the log may be forgotten: what no replica that is alive would have to read."""

from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.stores.protocol import GalleryStore, ReplicaMark


def trim_log(
    store: GalleryStore, gallery_id: str, own: ReplicaMark, options: ReplicaOptions
) -> None:
    """Trim the log of a gallery, and leave each replica the entry of its snapshot.

    Args:
        store: Whose log.
        gallery_id: Of the gallery.
        own: How far the caller has come.
        options: How much is kept.

    Raises:
        StoreUnavailable: When the store cannot be read or written.
    """
    marks = {mark.replica: mark for mark in store.replicas(gallery_id)}
    marks[own.replica] = own
    alive = [m for m in marks.values() if own.seen_s - m.seen_s <= options.log_kept_s]
    # The entry of a snapshot stays: its hash proves that the snapshot is of this log.
    upto = min(mark.snapshot_seq for mark in alive) - 1
    upto = min(upto, store.state(gallery_id).seq - options.log_entries_kept)
    if upto > 0:
        store.trim_log(gallery_id, upto=upto)
