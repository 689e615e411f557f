"""From settings to the parts of the gallery."""

from pathlib import Path

from model.manifest import Manifest
from service.gallery.catalogue import CatalogueLimits
from service.gallery.forgetting import Forgetting, ForgettingOptions
from service.gallery.gallery import GalleryService
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.gallery_options import GalleryOptions
from service.gallery.index.planner import SwitchPoints
from service.gallery.replica.replica import GalleryReplica
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.retention import RetentionTimes
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GalleryStore
from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from service.settings import Settings

STORE_FILE = "gallery.sqlite3"
SNAPSHOTS = "snapshots"

_READ_THREADS = 32
"""Many, since a read that asks for a write waits on one; they are started when they are needed."""
_OPENING_WITHIN_S = 5.0


def gallery_service(settings: Settings, manifest: Manifest) -> GalleryService:
    """The gallery, not started.

    Raises:
        ReidError: When the store's address or password cannot be used.
    """
    store = gallery_store(settings)
    options = ReplicaOptions(
        stale_after_s=settings.stale_after_s,
        snapshot_every_s=settings.snapshot_every_s,
        snapshot_every_writes=settings.snapshot_every_writes,
    )

    def open_replica(info: GalleryInfo) -> GalleryReplica:
        return GalleryReplica(
            store,
            info,
            snapshot_dir=settings.data_dir / SNAPSHOTS,
            name=settings.replica_name,
            options=options,
        )

    return GalleryService(
        store,
        model=GalleryModel(manifest.model.fingerprint, manifest.output.dimension),
        open_replica=open_replica,
        options=_options(settings),
    )


def forgetting(settings: Settings, gallery: GalleryService) -> Forgetting:
    """What erases, sweeps and audits, not started."""
    options = ForgettingOptions(
        times=RetentionTimes(
            sweep_every_s=settings.retention_every_s,
            purge_every_s=settings.purge_every_s,
            audit_s=settings.audit_retention_s,
        ),
        erasure_deadline_s=settings.erasure_deadline_s,
        most_waiting_audits=settings.max_waiting_audits,
    )
    return Forgetting(gallery.catalogue, gallery.store, options, name=settings.replica_name)


def gallery_store(settings: Settings) -> GalleryStore:
    """The store that the settings name, not open.

    Raises:
        InvalidInput: When its address cannot be used.
        StoreUnavailable: When the file with its password cannot be read.
    """
    if settings.store == "sqlite":
        return SqliteGalleryStore(settings.data_dir / STORE_FILE)
    password = settings.redis_password_file
    return RedisGalleryStore(
        settings.redis_url, password=None if password is None else _secret(password)
    )


def _options(settings: Settings) -> GalleryOptions:
    return GalleryOptions(
        catalogue=CatalogueLimits(
            most_galleries=settings.max_galleries,
            opening_within_s=_OPENING_WITHIN_S,
            visible_within_s=settings.visible_within_s,
            switch_points=SwitchPoints(
                exact_max_rows=settings.exact_max_rows,
                least_share=settings.ann_least_share,
                rebuild_share=settings.ann_rebuild_share,
                recall_target=settings.ann_recall_target,
                recall_floor=settings.ann_recall_floor,
                canary_share=settings.ann_canary_share,
            ),
        ),
        search_threads=settings.search_threads,
        write_threads=settings.write_threads,
        read_threads=_READ_THREADS,
        most_waiting_searches=settings.max_waiting_searches,
        most_waiting_writes=settings.max_waiting_writes,
        min_seq_within_s=settings.min_seq_within_s,
        snapshot_dir=settings.data_dir / SNAPSHOTS,
        accept_loss=settings.expect_empty_store,
    )


def _secret(path: Path) -> str:
    """The text of a file, without the line break that editors append."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreUnavailable(
            expected=f"the password of Redis in {path}",
            received=getattr(error, "strerror", None) or "a file that is no text",
            remedy="correct REID_REDIS_PASSWORD_FILE, or the file and its permissions",
        ) from error
