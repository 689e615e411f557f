"""Where `reid gallery` gets what it prints: a running service, or the store and its snapshots."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from service.api.gallery_answers import DescribedGalleryAnswer
from service.api.verify_answers import VerifyAnswer, verify_answer
from service.client.client import ReidClient
from service.client.connection import ReidClientError
from service.commands.api_key import chosen_api_key
from service.gallery.gallery_errors import GalleryNotFound
from service.gallery.replica.replica import GalleryReplica
from service.gallery.replica.reseed import Reseeded, reseed
from service.gallery.replica.snapshot_manifest import SnapshotManifest
from service.gallery.replica.start_guard import newest_manifests
from service.gallery.stores.protocol import GalleryInfo, GalleryState, GalleryStore
from service.gallery_setup import SNAPSHOTS, gallery_store
from service.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class HeldGallery:
    """A gallery of the store, or one of which there is only a snapshot.

    Attributes:
        name: Of the gallery.
        gallery_id: Its id.
        state: In the store; None when the store has lost it.
        snapshot: The newest one; None without any.
    """

    name: str
    gallery_id: str
    state: GalleryState | None
    snapshot: SnapshotManifest | None


@dataclass(frozen=True, slots=True)
class ServedGallery:
    """A gallery of a running service; either what the service says of it or why it cannot."""

    name: str
    described: DescribedGalleryAnswer | None
    reason: str


def served_galleries(url: str, name: str | None) -> list[ServedGallery]:
    """Galleries as a running service holds them.

    Raises:
        ReidClientError: When the service cannot be asked.
    """
    with ReidClient(url, api_key=chosen_api_key()) as client:
        return [_served(client, one) for one in _names(client, name)]


def verified_by_service(url: str, name: str | None) -> list[VerifyAnswer]:
    """What a running service finds when it compares every copy.

    Raises:
        ReidClientError: When the service cannot be asked, or is not able to.
    """
    with ReidClient(url, api_key=chosen_api_key()) as client:
        return [client.galleries.verify(one) for one in _names(client, name)]


def held_galleries(data_dir: Path | None, name: str | None) -> list[HeldGallery]:
    """Galleries of the store that the settings name, and lost ones that have snapshots.

    Raises:
        ReidError: When the store cannot be opened.
        SettingsError: When the settings cannot be used.
    """
    with _opened_store(data_dir) as (store, settings):
        saved = {one.info.gallery_id: one for one in newest_manifests(_snapshot_dir(settings))}
        held = [
            HeldGallery(info.name, info.gallery_id, store.state(info.gallery_id), snapshot)
            for info in store.galleries()
            for snapshot in [saved.pop(info.gallery_id, None)]
        ]
        lost = [HeldGallery(one.info.name, key, None, one) for key, one in saved.items()]
    return [one for one in held + lost if name in {None, one.name}]


def verified_in_store(data_dir: Path | None, name: str | None) -> list[VerifyAnswer]:
    """What a start of the service on the store would hold, compared with every copy.

    Raises:
        ReidError: When the store or a gallery cannot be read, or a service uses them.
        SettingsError: When the settings cannot be used.
    """
    with _opened_store(data_dir) as (store, settings):
        chosen = [info for info in store.galleries() if name in {None, info.name}]
        if name is not None and not chosen:
            raise GalleryNotFound(
                expected="the name of a gallery of the store",
                received=repr(name),
                remedy="`reid gallery status` lists them",
            )
        return [_verified(store, info, settings) for info in chosen]


def reseeded(data_dir: Path | None, name: str) -> Reseeded:
    """Write a snapshot back, with a bar that shows how far it is.

    Raises:
        ReidError: When there is none, or it cannot be written.
        SettingsError: When the settings cannot be used.
    """
    with _opened_store(data_dir) as (store, settings), Progress(console=_console()) as progress:
        task = progress.add_task("writing", total=None)
        return reseed(
            store,
            _snapshot_dir(settings),
            name,
            written=lambda done, of: progress.update(task, completed=done, total=of),
        )


def _verified(store: GalleryStore, info: GalleryInfo, settings: Settings) -> VerifyAnswer:
    replica = GalleryReplica(
        store, info, snapshot_dir=_snapshot_dir(settings), name=settings.replica_name
    )
    replica.start()
    try:
        return verify_answer(replica.verify(), settings.replica_name)
    finally:
        replica.stop()


def _served(client: ReidClient, name: str) -> ServedGallery:
    try:
        return ServedGallery(name, client.galleries.describe(name), "")
    except ReidClientError as error:
        if error.status is None:
            raise
        return ServedGallery(name, None, error.message)


def _names(client: ReidClient, name: str | None) -> list[str]:
    if name is not None:
        return [name]
    return [gallery.gallery for gallery in client.galleries.every()]


@contextmanager
def _opened_store(data_dir: Path | None) -> Iterator[tuple[GalleryStore, Settings]]:
    settings = load_settings({} if data_dir is None else {"data_dir": data_dir})
    store = gallery_store(settings)
    store.open()
    try:
        yield store, settings
    finally:
        store.close()


def _snapshot_dir(settings: Settings) -> Path:
    return settings.data_dir / SNAPSHOTS


def _console() -> Console:
    return Console(stderr=True)
