"""The chained log in Redis, and who has read it how far."""

import json
import time
from dataclasses import asdict

from service.gallery.gallery_errors import LogTrimmed
from service.gallery.stores.log_chain import LogEntry, first_hash
from service.gallery.stores.protocol import ReplicaMark
from service.gallery.stores.redis_connections import Reply
from service.gallery.stores.redis_keys import keys_of
from service.gallery.stores.redis_refusals import as_written
from service.gallery.stores.redis_session import RedisSession

_LONGEST_BLOCK_S = 0.5
"""So that a reader soon sees that the gallery was dropped, or the store closed."""


class RedisLog(RedisSession):
    """Log entries of galleries, under the ids `<seq>-0` of a stream."""

    def log(
        self, gallery_id: str, *, after: int, limit: int, wait_s: float = 0.0
    ) -> list[LogEntry]:
        """At most `limit` entries that follow write `after`; waits up to `wait_s` for the first.

        Raises:
            LogTrimmed: When the entry `after + 1` has been trimmed away.
        """
        until_s = time.monotonic() + wait_s
        while True:
            found = self._entries(gallery_id, after, limit)
            left_s = until_s - time.monotonic()
            if found or left_s <= 0:
                return found
            self._await_entry(gallery_id, after, min(left_s, _LONGEST_BLOCK_S))

    def entry_hash(self, gallery_id: str, seq: int) -> str | None:
        """The hash of entry `seq`; None when it is not in the log. Of 0, the first hash."""
        place = f"{seq}-0"
        [found] = self._read_in_gallery(
            gallery_id, ("XRANGE", keys_of(gallery_id).log, place, place)
        )
        if seq == 0:
            return first_hash(gallery_id)
        return _entry(found[0]).hash if found else None

    def trim_log(self, gallery_id: str, *, upto: int) -> None:
        """Forget the entries up to and including `upto`."""
        keys = keys_of(gallery_id)
        least = f"{max(upto, 0) + 1}-0"
        self._run_in_gallery(gallery_id, "in_gallery", (keys.log,), "XTRIM", "MINID", "=", least)

    def mark_replica(self, gallery_id: str, mark: ReplicaMark) -> None:
        """Say how far a reader has come."""
        text = json.dumps(asdict(mark), separators=(",", ":"))
        keys = (keys_of(gallery_id).replicas,)
        self._run_in_gallery(gallery_id, "in_gallery", keys, "HSET", mark.replica, text)

    def replicas(self, gallery_id: str) -> tuple[ReplicaMark, ...]:
        """Every reader that has said so, by name."""
        [texts] = self._read_in_gallery(gallery_id, ("HVALS", keys_of(gallery_id).replicas))
        with as_written("what replicas said"):
            marks = [ReplicaMark(**json.loads(text)) for text in texts]
        return tuple(sorted(marks, key=lambda mark: mark.replica))

    def _entries(self, gallery_id: str, after: int, limit: int) -> list[LogEntry]:
        keys = keys_of(gallery_id)
        # The seq is read first: entries up to it are in the log when that is read, or trimmed.
        [[seq], found] = self._read_in_gallery(
            gallery_id,
            ("HMGET", keys.meta, "seq"),
            ("XRANGE", keys.log, f"({after}-0", "+", "COUNT", limit),
        )
        entries = [_entry(one) for one in found]
        with as_written("the state of a gallery"):
            first = entries[0].seq if entries else int(seq) + 1
        if first > after + 1:
            raise LogTrimmed(
                expected=f"a reader that has seen write {first - 1} or a later one",
                received=f"one that has seen write {after}; what follows it has been trimmed",
                remedy="read the rows again",
            )
        return entries

    def _await_entry(self, gallery_id: str, after: int, wait_s: float) -> None:
        block_ms = max(1, int(wait_s * 1000))
        log = keys_of(gallery_id).log
        words = ("XREAD", "COUNT", 1, "BLOCK", block_ms, "STREAMS", log, f"{after}-0")
        self._connections.read(words, wait_s=wait_s)


def _entry(one: Reply) -> LogEntry:
    """From the stream's id and its fields keys, p, h.

    Bytes that are no text are kept as marks of it, so that the chain, and not this, finds them.
    """
    place, fields = one
    keys, previous, entry_hash = (raw.decode(errors="replace") for raw in fields[1::2])
    return LogEntry(int(place.partition(b"-")[0]), keys, previous, entry_hash)
