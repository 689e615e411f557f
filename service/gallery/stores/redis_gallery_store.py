"""The gallery store in a Redis that several replicas of the service may share."""

from service.gallery.stores.redis_forgetting import RedisForgetting
from service.gallery.stores.redis_log import RedisLog
from service.gallery.stores.redis_rows import RedisRows


class RedisGalleryStore(RedisRows, RedisLog, RedisForgetting):
    """A `GalleryStore` in Redis 7.0 or later, which flushes each write before it answers.

    A write is one script: Redis answers it after the whole is on disk. Where no answer comes the
    outcome is unknown, and the write is never sent again by itself; repeated with its idempotency
    key it is answered, and not done twice. After each start of Redis the first write waits until
    its append-only file has been written anew (see `WholeFile`).

    Args:
        url: `redis://HOST:PORT/DB`, `rediss://...` for TLS, or `unix:///PATH?db=0`.
        password: None when Redis asks for none, or when it is in the address.
        timeout_s: An answer must come within this time.

    Raises:
        InvalidInput: When the address cannot be used.
    """
