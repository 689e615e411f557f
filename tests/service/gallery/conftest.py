"""Galleries to test on: of every store through a catalogue, or of one SQLite store by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.gallery.catalogue import Catalogue
from service.gallery.open_gallery import OpenGallery
from service.gallery.stores.protocol import GalleryInfo
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.forgetting import SPEC, SetClock
from tests.gallery_stores import PLACES
from tests.log_follower import LogFollower
from tests.open_galleries import new_gallery, open_catalogue


@pytest.fixture(scope="module", params=sorted(PLACES))
def catalogue(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """One for the tests of a file, over every store; every test has a gallery of its own."""
    directory: Path = tmp_path_factory.mktemp("data")
    with PLACES[request.param](directory) as place:
        store = place.store()
        store.open()
        try:
            with open_catalogue(store, directory) as catalogue:
                yield catalogue
        finally:
            store.close()


@pytest.fixture
def gallery(catalogue: Catalogue) -> OpenGallery:
    return new_gallery(catalogue)


@pytest.fixture
def clock() -> SetClock:
    """Of `store`."""
    return SetClock()


@pytest.fixture
def store(tmp_path: Path, clock: SetClock) -> Iterator[SqliteGalleryStore]:
    opened = SqliteGalleryStore(tmp_path / "g.sqlite3", clock=clock)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def info(store: SqliteGalleryStore) -> GalleryInfo:
    """An empty gallery of `store`."""
    return store.create_gallery("lobby", SPEC)


@pytest.fixture
def replica(store: SqliteGalleryStore, info: GalleryInfo) -> LogFollower:
    """Of that gallery."""
    return LogFollower(store, info)
