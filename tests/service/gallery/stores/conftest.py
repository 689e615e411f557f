import pytest

from tests.gallery_stores import PLACES, SPEC
from tests.redis_galleries import opened_store


@pytest.fixture(params=sorted(PLACES))
def place(request, tmp_path):
    """Where the store under test keeps its data."""
    with PLACES[request.param](tmp_path) as place:
        yield place


@pytest.fixture
def store(place):
    """An open store without any gallery."""
    store = place.store()
    store.open()
    yield store
    store.close()


@pytest.fixture
def gallery(store):
    """The id of an empty gallery."""
    return store.create_gallery("default", SPEC).gallery_id


@pytest.fixture
def redis_store(server):
    """An open store in that Redis."""
    with opened_store(server) as store:
        yield store
