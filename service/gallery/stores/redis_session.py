"""An open connection to a Redis that keeps its promises; the parts of the store share it."""

import math
import time

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.redis_connections import Argument, Ask, RedisConnections, Reply
from service.gallery.stores.redis_guard import require_durable
from service.gallery.stores.redis_keys import LAYOUT, gallery_not_found, keys_of
from service.gallery.stores.redis_refusals import closed_store
from service.gallery.stores.redis_scripts import script
from service.gallery.stores.redis_whole_file import WholeFile

LAYOUT_KNOWN = 1

_PATIENCE_AT_START = 12
"""So many times as long as a write, a start waits for Redis to write its file anew: both may have
been started together, and a gallery of a gigabyte takes many seconds."""

_CHECK_EVERY_S = 5.0
"""Between two looks at the options of a Redis that is written to."""


class RedisSession:
    """What every part of the store does with Redis.

    Args:
        url: Where it is, as `RedisConnections` takes it.
        password: None when it asks for none, or when it is in the address.
        timeout_s: An answer must come within this time.

    Raises:
        InvalidInput: When the address cannot be used.
    """

    def __init__(self, url: str, *, password: str | None = None, timeout_s: float = 5.0) -> None:
        self._address = (url, password, timeout_s)
        self._held: RedisConnections | None = None
        self._checked_s = -math.inf
        self._file = WholeFile(timeout_s)
        # An address that cannot be used is refused here, and not when the store is opened.
        self._connect().close()

    def open(self) -> None:
        """Take Redis into use.

        Raises:
            StoreUnavailable: When it is not reachable, may lose what it acknowledged, or was
                written to by a newer release.
        """
        self._held = self._connect()
        _, _, timeout_s = self._address
        self._file.within_s = _PATIENCE_AT_START * timeout_s
        try:
            self.check()
            self._require_known_layout()
        except BaseException:
            self.close()
            raise
        finally:
            self._file.within_s = timeout_s

    def close(self) -> None:
        """Give it back; closing what is not open does nothing."""
        if self._held is not None:
            self._held.close()

    def now_s(self) -> float:
        """The clock of Redis in Unix seconds: the same one for every replica."""
        seconds, microseconds = self._read("TIME")
        return int(seconds) + int(microseconds) / 1e6

    def check(self) -> None:
        """Ask for a sign of life, and whether the options still keep the promises.

        Until they do again, writes are refused too.

        Raises:
            StoreUnavailable: When there is none, or they do not.
        """
        self._checked_s = -math.inf
        self._connections.greet()
        self._checked_s = time.monotonic()

    @property
    def _connections(self) -> RedisConnections:
        if self._held is None:
            raise closed_store()
        return self._held

    def _connect(self) -> RedisConnections:
        url, password, timeout_s = self._address
        return RedisConnections(url, password=password, timeout_s=timeout_s, greet=self._greet)

    def _greet(self, ask: Ask) -> None:
        require_durable(ask)
        self._file.require(ask)

    def _read(self, *words: Argument) -> Reply:
        return self._connections.read(words)[0]

    def _run(
        self, name: str, keys: tuple[str, ...], *arguments: Argument, when_full: bool = False
    ) -> tuple[str, list[Reply]]:
        """Run a script that writes, on a Redis whose options were looked at a moment ago."""
        if time.monotonic() - self._checked_s > _CHECK_EVERY_S:
            self.check()
        return script(name, when_full=when_full).run(self._connections, keys, *arguments)

    def _run_in_gallery(
        self, gallery_id: str, name: str, keys: tuple[str, ...], *arguments: Argument
    ) -> list[Reply]:
        """Run a script whose first key is the meta of the gallery.

        Raises:
            GalleryNotFound: When there is none.
        """
        answer, rest = self._run(name, (keys_of(gallery_id).meta, *keys), *arguments)
        if answer == "gallery_not_found":
            raise gallery_not_found(gallery_id)
        return rest

    def _read_in_gallery(self, gallery_id: str, *commands: tuple[Argument, ...]) -> list[Reply]:
        """The replies to commands on keys of the gallery.

        Raises:
            GalleryNotFound: When there is none.
        """
        exists = ("EXISTS", keys_of(gallery_id).meta)
        found, *replies = self._connections.read(exists, *commands)
        if not found:
            raise gallery_not_found(gallery_id)
        return replies

    def _require_known_layout(self) -> None:
        held = self._read("GET", LAYOUT)
        if held is None:
            self._run("set_layout", (LAYOUT,), LAYOUT_KNOWN)
        elif held != str(LAYOUT_KNOWN).encode():
            raise StoreUnavailable(
                expected=f"keys of layout {LAYOUT_KNOWN} in Redis",
                received=f"layout {held[:20].decode(errors='replace')}",
                remedy="start the release that wrote them, or a newer one",
            )
