import pytest

from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import SPEC


@pytest.fixture
def database(tmp_path):
    """The file of `store`."""
    return tmp_path / "galleries" / "gallery.sqlite3"


@pytest.fixture
def store(database):
    """An open store."""
    store = SqliteGalleryStore(database)
    store.open()
    yield store
    store.close()


@pytest.fixture
def info(store):
    """An empty gallery of the store."""
    return store.create_gallery("staff", SPEC)


@pytest.fixture
def directory(tmp_path):
    """Where snapshots are."""
    return tmp_path / "snapshots"
