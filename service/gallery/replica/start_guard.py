"""Refuses to start over a store that has lost galleries of which there are snapshots."""

import logging
from pathlib import Path

from service.gallery.gallery_errors import SnapshotUnusable, StoreUnavailable
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.replica.snapshot_manifest import SnapshotManifest, read_manifest
from service.gallery.stores.protocol import GalleryStore
from service.log import log_event

logger = logging.getLogger(__name__)

_MOST_NAMED = 5


def require_no_lost_gallery(
    store: GalleryStore, snapshot_dir: Path, *, accept_loss: bool = False
) -> None:
    """Compare the galleries of the store with the snapshots of this process.

    Snapshots of a gallery that was dropped are removed. Those of one that the store does not know
    at all may be all that is left of it, and are never removed here.

    Args:
        store: Open.
        snapshot_dir: Holds the snapshots of all galleries.
        accept_loss: Whether to start nevertheless.

    Raises:
        StoreUnavailable: When the store has lost a gallery, and that is not accepted.
    """
    held = {info.gallery_id for info in store.galleries()}
    lost = []
    for manifest in newest_manifests(snapshot_dir):
        info = manifest.info
        if info.gallery_id in held:
            continue
        if store.was_dropped(info.gallery_id):
            SnapshotDirectory(snapshot_dir, info).remove()
            log_event(logger, logging.INFO, "dropped_snapshots_removed", gallery=info.name)
        else:
            lost.append(manifest)
    if not lost:
        return
    if not accept_loss:
        raise _lost_galleries(lost, snapshot_dir)
    log_event(logger, logging.WARNING, "lost_galleries_accepted", galleries=len(lost))


def newest_manifests(snapshot_dir: Path) -> list[SnapshotManifest]:
    """Of every gallery with a snapshot whose manifest can be read, that of its newest one."""
    directories = sorted(snapshot_dir.iterdir()) if snapshot_dir.is_dir() else []
    found = (_newest_manifest(directory) for directory in directories if directory.is_dir())
    return [manifest for manifest in found if manifest is not None]


def _newest_manifest(directory: Path) -> SnapshotManifest | None:
    for path in sorted(directory.glob("snapshot-*"), reverse=True):
        try:
            manifest = read_manifest(path)
        except SnapshotUnusable:
            continue
        if manifest.info.gallery_id == directory.name:
            return manifest
    return None


def _lost_galleries(lost: list[SnapshotManifest], snapshot_dir: Path) -> StoreUnavailable:
    named = [
        f"{manifest.info.name!r} ({manifest.state.tracklets} tracklets at write "
        f"{manifest.state.seq})"
        for manifest in lost[:_MOST_NAMED]
    ]
    if len(lost) > _MOST_NAMED:
        named.append(f"{len(lost) - _MOST_NAMED} more")
    return StoreUnavailable(
        expected=f"a store with every gallery that has snapshots in {snapshot_dir}",
        received=f"one that has lost {', '.join(named)}",
        remedy="put the store's data back; or run `reid gallery reseed` to write a snapshot into "
        "it; or set REID_EXPECT_EMPTY_STORE=true to go on without",
    )
