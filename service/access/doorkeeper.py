"""Knows the keys: says whose key a request has, and reads the keys file again when it changes."""

import hmac
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from service.access.api_key import MOST_CHARACTERS, hash_of
from service.access.keys_file import KeyRecord, KeysFileError, read_keys
from service.access.principal import ANYONE, Principal
from service.access.quotas import Quotas
from service.access.refusals import Unauthorized
from service.gallery.periodic_thread import PeriodicThread
from service.log import log_event

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0

_Stamp = tuple[int, int, int] | None


class Doorkeeper:
    """Finds out who asks.

    Args:
        keys_file: The keys; None lets anyone ask for anything.
        clock: Seconds since 1970, for keys that expire.

    Attributes:
        quotas: What each key has asked for.

    Raises:
        KeysFileError: When the keys file cannot be used.
    """

    def __init__(self, keys_file: Path | None, *, clock: Callable[[], float] = time.time) -> None:
        self.quotas = Quotas()
        self._keys_file = keys_file
        self._clock = clock
        self._stamp = None if keys_file is None else _stamp(keys_file)
        self._records = () if keys_file is None else read_keys(keys_file)
        self._thread = PeriodicThread("keys", self.reload, every_s=_LOOK_EVERY_S)

    @property
    def lets_anyone_in(self) -> bool:
        """Whether no key is needed."""
        return self._keys_file is None

    def start(self) -> None:
        """Begin to look whether the keys file has changed."""
        if self._keys_file is not None:
            self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._thread.close()

    def problem(self) -> str | None:
        """Why revoked keys would go on being let in; None when all is well."""
        return None if self._thread.alive else "the thread that reads the keys file has ended"

    def principal_of(self, api_key: str | None) -> Principal:
        """Whose key this is.

        Raises:
            Unauthorized: When there is none, nobody's, or one that has expired.
        """
        if self._keys_file is None:
            return ANYONE
        if api_key is None:
            raise _unauthorized("no key")
        record = self._record_of(api_key)
        if record is None:
            raise _unauthorized("a key that is not known")
        if record.expires is not None and record.expires <= self._now():
            raise _unauthorized("a key that has expired")
        return Principal(record.name, record.scopes, record.requests_per_s, record.frames_per_s)

    def reload(self) -> None:
        """Read the keys file again if it has changed; one that cannot be used changes nothing."""
        if self._keys_file is None:
            return
        stamp = _stamp(self._keys_file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._records = read_keys(self._keys_file)
        except KeysFileError as error:
            log_event(logger, logging.ERROR, "keys_kept", reason=str(error))
        else:
            log_event(logger, logging.INFO, "keys_reloaded", keys=len(self._records))

    def _record_of(self, api_key: str) -> KeyRecord | None:
        if len(api_key) > MOST_CHARACTERS:
            return None
        sent = hash_of(api_key)
        found = None
        # Every one is compared, in constant time: how long it takes says nothing of any key.
        for record in self._records:
            if hmac.compare_digest(record.sha256, sent):
                found = record
        return found

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _stamp(path: Path) -> _Stamp:
    """What differs when the file has been changed or replaced; None when it is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116 as cheap as it can be, once a second
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _unauthorized(received: str) -> Unauthorized:
    return Unauthorized(
        expected="a valid API key",
        received=received,
        remedy="send Authorization: Bearer KEY, or X-API-Key: KEY; `reid keys new` makes keys",
    )
