"""Erasures in Redis, the purging of its files, and the audit log."""

import re
import time
from collections.abc import Sequence

from redis.exceptions import ResponseError

from service.errors import InvalidQuery
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.audit_entry import AuditEntry, audit_text, parse_audit
from service.gallery.stores.erasure_receipt import ErasureReceipt, parse_receipt, receipt_text
from service.gallery.stores.redis_guard import info
from service.gallery.stores.redis_keys import AUDIT, keys_of
from service.gallery.stores.redis_refusals import as_written, refusal
from service.gallery.stores.redis_session import RedisSession

_MOST_AUDIT_ENTRIES = 1_000_000
_AUDIT_ENTRIES_IN_A_STEP = 256
_PURGED_WITHIN_S = 600.0
_LOOK_EVERY_S = 0.02
_POSITION = re.compile(r"\d{1,19}-\d{1,19}")


class RedisForgetting(RedisSession):
    """What must be forgotten, and the record of it."""

    def begin_erasure(self, receipt: ErasureReceipt) -> None:
        """Keep the receipt, and refuse to enroll its identity from now on, in one step."""
        self.save_receipt(receipt)

    def save_receipt(self, receipt: ErasureReceipt) -> None:
        """Replace the receipt; once it is final, it stays so and its identity may be enrolled."""
        keys = keys_of(receipt.gallery_id)
        self._run_in_gallery(
            receipt.gallery_id,
            "save_receipt",
            (keys.receipts, keys.erasing),
            receipt.receipt_id,
            receipt_text(receipt),
            receipt.state,
            receipt.identity or "",
        )

    def receipts(self, gallery_id: str) -> tuple[ErasureReceipt, ...]:
        """Every receipt of the gallery, oldest first."""
        [texts] = self._read_in_gallery(gallery_id, ("HVALS", keys_of(gallery_id).receipts))
        with as_written("a receipt"):
            found = [parse_receipt(text) for text in texts]
        return tuple(sorted(found, key=lambda one: (one.requested_s, one.receipt_id)))

    def purge(self) -> None:
        """Return when no byte of a deleted or replaced row is left in the files of Redis.

        The append-only file is written anew from what is held now, and so is the RDB file where
        this Redis makes any. Copies that an administrator took are not within its reach.

        Raises:
            StoreUnavailable: When Redis could not write them.
        """
        until_s, run = time.monotonic() + _PURGED_WITHIN_S, self._run_id()
        self._have_written("BGREWRITEAOF", "aof_last_bgrewrite_status", until_s)
        held = self._persistence()
        _, points = self._read("CONFIG", "GET", "save")
        if points or held.get("rdb_saves", "0") != "0":
            self._have_written("BGSAVE", "rdb_last_bgsave_status", until_s)
        if self._run_id() != run:
            # It knows nothing of a file that it was writing before, and calls that a success.
            raise StoreUnavailable(
                expected="Redis to run until its files are written",
                received="one that was started again meanwhile",
                remedy="wait: the purge is tried again",
            )

    def audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the audit log, which keeps the newest million."""
        for start in range(0, len(entries), _AUDIT_ENTRIES_IN_A_STEP):
            texts = map(audit_text, entries[start : start + _AUDIT_ENTRIES_IN_A_STEP])
            self._run("append_audit", (AUDIT,), _MOST_AUDIT_ENTRIES, *texts)

    def audit_entries(self, *, after: str | None, limit: int) -> list[tuple[str, AuditEntry]]:
        """At most `limit` entries, oldest first, each with the position that `after` takes.

        Raises:
            InvalidQuery: When `after` is not such a position.
        """
        if after is not None and not _POSITION.fullmatch(after):
            raise InvalidQuery(
                expected="a position in the audit log",
                received=repr(after[:60]),
                remedy="pass the position of the last entry that was read, as it came",
            )
        start = "-" if after is None else f"({after}"
        found = self._read("XRANGE", AUDIT, start, "+", "COUNT", limit)
        with as_written("the audit log"):
            return [(place.decode(), parse_audit(fields[1])) for place, fields in found]

    def trim_audit(self, *, before_s: float) -> None:
        """Forget the entries of the audit log that are older than this moment."""
        after = None
        while True:
            entries = self.audit_entries(after=after, limit=_AUDIT_ENTRIES_IN_A_STEP)
            old = [place for place, entry in entries if entry.at_s < before_s]
            if not old:
                # Entries are appended in the order of their moments, or nearly so.
                return
            self._run("forget_audit", (AUDIT,), *old)
            after = entries[-1][0]

    def _have_written(self, command: str, status: str, until_s: float) -> None:
        """Have Redis write a file of its own from now on, and wait until it stands."""
        while not self._has_begun(command):
            # Another file is being written; it may be of a moment too early.
            self._await_no_child(until_s)
        self._await_no_child(until_s)
        if self._persistence().get(status) != "ok":
            raise StoreUnavailable(
                expected=f"Redis to finish {command}",
                received="a failure, which its log explains",
                remedy="make room on its disk; the purge is tried again",
            )

    def _has_begun(self, command: str) -> bool:
        """Whether Redis took the command, and not another child of it is in its way."""
        try:
            self._connections.write(command)
        except ResponseError as error:
            if "in progress" in str(error):
                return False
            raise refusal(error, self._connections.place) from error
        return True

    def _await_no_child(self, until_s: float) -> None:
        under_way = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
        while any(self._persistence().get(name, "0") != "0" for name in under_way):
            if time.monotonic() > until_s:
                raise StoreUnavailable(
                    expected=f"Redis to write its files within {_PURGED_WITHIN_S:g} s",
                    received="one that is still at it",
                    remedy="see its log; the purge is tried again",
                )
            time.sleep(_LOOK_EVERY_S)

    def _run_id(self) -> str:
        return info(self._read("INFO", "server"))["run_id"]

    def _persistence(self) -> dict[str, str]:
        return info(self._read("INFO", "persistence"))
