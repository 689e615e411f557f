"""Receipts of erasures, and the audit log, in the database."""

import sqlite3
from collections.abc import Sequence

from service.errors import InvalidQuery
from service.gallery.stores.audit_entry import AuditEntry, audit_text, parse_audit
from service.gallery.stores.erasure_receipt import ErasureReceipt, parse_receipt, receipt_text
from service.gallery.stores.sqlite_damage import intact


def is_being_erased(database: sqlite3.Connection, key: int, identity: str) -> bool:
    """Whether nobody may enroll the identity into the gallery now."""
    found = database.execute(
        "SELECT 1 FROM receipts WHERE gallery_key = ? AND identity = ? AND NOT is_final",
        (key, identity),
    ).fetchone()
    return found is not None


def save_receipt(database: sqlite3.Connection, key: int, receipt: ErasureReceipt) -> None:
    """Keep the receipt in place of what was known before, unless that was final."""
    database.execute(
        "INSERT INTO receipts (receipt_id, gallery_key, requested_s, identity, is_final, receipt) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (receipt_id) DO UPDATE SET "
        "is_final = excluded.is_final, receipt = excluded.receipt "
        "WHERE excluded.is_final OR NOT is_final",
        (
            receipt.receipt_id,
            key,
            receipt.requested_s,
            receipt.identity,
            receipt.state == "final",
            receipt_text(receipt),
        ),
    )


def receipts(database: sqlite3.Connection, key: int) -> tuple[ErasureReceipt, ...]:
    """Every receipt of the gallery, oldest first."""
    rows = database.execute(
        "SELECT receipt FROM receipts WHERE gallery_key = ? ORDER BY requested_s, receipt_id",
        (key,),
    )
    with intact("a receipt"):
        return tuple(parse_receipt(receipt) for (receipt,) in rows)


def append_audit(database: sqlite3.Connection, entries: Sequence[AuditEntry]) -> None:
    """Append to the audit log."""
    database.executemany(
        "INSERT INTO audit (at_s, entry) VALUES (?, ?)",
        [(entry.at_s, audit_text(entry)) for entry in entries],
    )


def audit_entries(
    database: sqlite3.Connection, *, after: str | None, limit: int
) -> list[tuple[str, AuditEntry]]:
    """At most `limit` entries, oldest first, each with its position.

    Raises:
        InvalidQuery: When `after` is not a position that this answered before.
        StoreUnavailable: When one is damaged; what follows it can be read after its position.
    """
    rows = database.execute(
        "SELECT position, entry FROM audit WHERE position > ? ORDER BY position LIMIT ?",
        (_position(after), limit),
    )
    found = []
    for position, entry in rows:
        with intact(f"the audit entry at position {position}"):
            found.append((str(position), parse_audit(entry)))
    return found


def trim_audit(database: sqlite3.Connection, *, before_s: float) -> None:
    """Forget the entries that are older than this moment."""
    database.execute("DELETE FROM audit WHERE at_s < ?", (before_s,))


def _position(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and int(after) < 2**63):
        raise InvalidQuery(
            expected="a position in the audit log",
            received=repr(after[:60]),
            remedy="pass the position of the last entry that was read, as it came",
        )
    return int(after)
