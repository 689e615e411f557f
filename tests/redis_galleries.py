"""A Redis store that is open within a block, and what it wrote, byte for byte."""

from contextlib import contextmanager

from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from tests.redis_server import RedisServer


@contextmanager
def opened_store(server: RedisServer, url: str | None = None, **options):
    """A store of this server, or of it as seen at another address."""
    store = RedisGalleryStore(url or server.url, password=server.password, **options)
    try:
        store.open()
        yield store
    finally:
        store.close()


def everything(server: RedisServer) -> dict[bytes, object]:
    """Each key with all that is under it, of whatever type."""
    with server.client() as client:
        return {key: _content(client, key) for key in sorted(client.keys())}


def _content(client, key):
    reads = {
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"stream": client.xrange,
        b"string": client.get,
    }
    return reads[client.type(key)](key)


def key(gallery_id: str, name: str) -> str:
    """The name of one of the gallery's keys."""
    return f"reid:{{{gallery_id}}}:{name}"
