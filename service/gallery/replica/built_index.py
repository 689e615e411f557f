"""An index made from a snapshot or from the rows of the store; it is yet to catch up with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.replica.frozen_snapshot import index_from
from service.gallery.replica.ledger import Ledger
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.replica.snapshot_files import unusable
from service.gallery.stores.protocol import GalleryInfo, GalleryState, GalleryStore
from service.gallery.stores.row_codec import DamagedRow, StoredRow


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """An index, and how it differs from what the log says."""

    index: GalleryIndex
    ledger: Ledger


def built_from_snapshot(
    store: GalleryStore, info: GalleryInfo, snapshots: SnapshotDirectory, path: Path
) -> BuiltIndex:
    """An index that stands where the snapshot does.

    Raises:
        SnapshotUnusable: When it is damaged, of something else, or of a write that is not in the
            store's log: the store has lost it, or has trimmed what followed.
        StoreUnavailable: When the store cannot be read.
    """
    manifest = snapshots.read_manifest(path)
    state = manifest.state
    if _chain_at(store, info.gallery_id, state.seq) != state.chain:
        raise unusable("a snapshot of a write in the log of the store", f"write {state.seq}")
    index = index_from(path, manifest)
    ledger = Ledger(info.spec.model.dimension)
    if manifest.quarantined:
        # They are in no file, and may have been repaired since.
        rows = store.rows(info.gallery_id, manifest.quarantined)
        taken = ledger.take_read(dict(zip(manifest.quarantined, rows, strict=True)))
        index.apply(taken.rows, [], seq=state.seq, chain=state.chain)
    return BuiltIndex(index, ledger)


def built_from_store(
    store: GalleryStore,
    info: GalleryInfo,
    *,
    begun: Callable[[GalleryState], None],
    read: Callable[[int, GalleryState], None],
) -> BuiltIndex:
    """An index of every row of the store.

    Args:
        store: The truth.
        info: Which gallery.
        begun: Told where the store stood before the first row was read: the log after it is
            needed.
        read: Told how many rows have been read.

    Raises:
        StoreUnavailable: When the store cannot be read.
    """
    start = store.state(info.gallery_id)
    begun(start)
    dimension = info.spec.model.dimension
    index, ledger, rows = GalleryIndex(info.gallery_id, dimension), Ledger(dimension), 0
    index.apply([], [], seq=start.seq, chain=start.chain)
    for piece in store.scan(info.gallery_id):
        taken = ledger.take_read({_id_of(row): row for row in piece})
        index.apply(taken.rows, [], seq=start.seq, chain=start.chain)
        rows += len(piece)
        read(rows, start)
    return BuiltIndex(index, ledger)


def _id_of(row: StoredRow) -> str:
    return row.tracklet_id if isinstance(row, DamagedRow) else row.record.tracklet_id


def _chain_at(store: GalleryStore, gallery_id: str, seq: int) -> str | None:
    """The hash of a write, if the log after it is there."""
    stored = store.state(gallery_id)
    return stored.chain if stored.seq == seq else store.entry_hash(gallery_id, seq)
