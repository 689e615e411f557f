"""Writes a snapshot back into a store that has lost its gallery, as a new gallery of that name."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from service.errors import NotFound
from service.gallery.directory_lock import DirectoryLock
from service.gallery.filter_tree import EVERYTHING
from service.gallery.gallery_errors import GalleryExists, SnapshotUnusable
from service.gallery.index.view import View
from service.gallery.replica.frozen_snapshot import index_from
from service.gallery.replica.row_comparison import alike_in
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.replica.snapshot_manifest import SnapshotManifest
from service.gallery.replica.start_guard import newest_manifests
from service.gallery.stores.batch import MOST_CHANGES, Batch, Upsert
from service.gallery.stores.protocol import GalleryInfo, GalleryStore
from service.gallery.stores.row_codec import IntactRow


@dataclass(frozen=True, slots=True)
class Reseeded:
    """A gallery that was written back.

    Attributes:
        info: The new gallery.
        tracklets: How many it has.
        lost_after_seq: The last write in the snapshot; what came after it is not in it.
        damaged: Rows that were damaged in the lost store already, and are not in the snapshot.
    """

    info: GalleryInfo
    tracklets: int
    lost_after_seq: int
    damaged: int


def reseed(
    store: GalleryStore,
    snapshot_dir: Path,
    name: str,
    *,
    written: Callable[[int, int], None],
) -> Reseeded:
    """Write the newest whole snapshot of a lost gallery into the store, and prove it is there.

    Snapshots of the lost one are removed then, by other replicas when they start.

    Args:
        store: Open, and served by nobody.
        snapshot_dir: Holds the snapshots of all galleries.
        name: Of the gallery.
        written: Told how many tracklets of how many have been written.

    Raises:
        NotFound: When there is no snapshot of a lost gallery of this name.
        GalleryExists: When a gallery of this name has tracklets.
        SnapshotUnusable: When no snapshot is whole.
        StoreUnavailable: When the store cannot be written, or a service runs on the snapshots.
    """
    lost = _lost_gallery(store, snapshot_dir, name)
    snapshots = SnapshotDirectory(snapshot_dir, lost.info)
    lock = DirectoryLock(snapshots.directory)
    try:
        manifest, view = _newest_whole(snapshots)
        info = _empty_gallery(store, lost.info)
        done = 0
        for changes in _batches(view):
            done += len(store.write(info.gallery_id, Batch(changes)).outcomes)
            written(done, view.state.tracklets)
        _require_equal(store, info, view)
        # Other replicas have snapshots of it too, and would refuse to start.
        store.give_up_gallery(lost.info.gallery_id)
        snapshots.remove()
    finally:
        lock.release()
    return Reseeded(info, done, manifest.state.seq, len(manifest.quarantined))


def _lost_gallery(store: GalleryStore, snapshot_dir: Path, name: str) -> SnapshotManifest:
    held = {info.gallery_id for info in store.galleries()}
    lost = [
        manifest
        for manifest in newest_manifests(snapshot_dir)
        if manifest.info.name == name and manifest.info.gallery_id not in held
    ]
    if not lost:
        raise NotFound(
            expected=f"a snapshot in {snapshot_dir} of a gallery {name!r} that the store has lost",
            received="none",
            remedy="`reid gallery status` lists the galleries and the snapshots",
        )
    return max(lost, key=lambda manifest: manifest.info.created_s)


def _newest_whole(snapshots: SnapshotDirectory) -> tuple[SnapshotManifest, View]:
    reason: SnapshotUnusable | None = None
    for path in snapshots.newest_first():
        try:
            manifest = snapshots.read_manifest(path)
            return manifest, index_from(path, manifest).view
        except SnapshotUnusable as error:
            reason = reason or error
    raise SnapshotUnusable(
        expected=f"a whole snapshot in {snapshots.directory}",
        received=f"none; of the newest: {reason}",
        remedy="restore the store from a backup",
    )


def _empty_gallery(store: GalleryStore, lost: GalleryInfo) -> GalleryInfo:
    info = store.create_gallery(lost.name, lost.spec)
    if store.state(info.gallery_id).tracklets:
        raise GalleryExists(
            expected=f"no gallery {lost.name!r} in the store, or an empty one",
            received="one with tracklets",
            remedy="delete it first: a snapshot is never mixed with other writes",
        )
    return info


def _batches(view: View) -> Iterator[tuple[Upsert, ...]]:
    rows = view.select(EVERYTHING, now_s=-math.inf).rows()
    for start in range(0, len(rows), MOST_CHANGES):
        piece = rows[start : start + MOST_CHANGES]
        yield tuple(
            Upsert(head.tracklet_id, embedding, head.metadata, enrolled_s=head.enrolled_s)
            for head, embedding in zip(view.heads(piece), view.embeddings(piece), strict=True)
        )


def _require_equal(store: GalleryStore, info: GalleryInfo, view: View) -> None:
    """Read everything back, and compare it with the snapshot bit by bit."""
    equal = 0
    for piece in store.scan(info.gallery_id):
        records = [row.record for row in piece if isinstance(row, IntactRow)]
        equal += sum(seq is not None for seq in alike_in(view, records))
    if equal != view.state.tracklets:
        raise SnapshotUnusable(
            expected=f"{view.state.tracklets} tracklets of the snapshot in the store",
            received=f"{equal} that are equal",
            remedy="delete the new gallery, and see whether something else writes to the store",
        )
