"""What requests with an idempotency key were answered."""

import json
import sqlite3

from service.gallery.gallery_errors import IdempotencyConflict
from service.gallery.stores.batch import IdempotencyKey, Written
from service.gallery.stores.sqlite_damage import intact

KEPT_S = 24 * 3600.0


def remembered(
    database: sqlite3.Connection, gallery_key: int, asked: IdempotencyKey, *, now_s: float
) -> Written | None:
    """What the request was answered, if that was less than a day ago.

    Raises:
        IdempotencyConflict: When the key belongs to another request.
    """
    row = database.execute(
        "SELECT request, answer FROM answers "
        "WHERE gallery_key = ? AND idempotency_key = ? AND expires_s > ?",
        (gallery_key, asked.key, now_s),
    ).fetchone()
    if row is None:
        return None
    request, answer = row
    if request != asked.request:
        raise IdempotencyConflict(
            expected="the request that this idempotency key came with before",
            received="another request",
            remedy="send a new key with a new request",
        )
    with intact("the answer to a request"):
        seq, outcomes = json.loads(answer)
        return Written(seq, tuple(outcomes), repeated=True)


def remember(
    database: sqlite3.Connection,
    gallery_key: int,
    asked: IdempotencyKey,
    written: Written,
    *,
    now_s: float,
) -> None:
    """Keep the answer for a day, and forget those that have been kept so long."""
    database.execute("DELETE FROM answers WHERE expires_s <= ?", (now_s,))
    database.execute(
        "INSERT INTO answers (gallery_key, idempotency_key, request, answer, expires_s) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            gallery_key,
            asked.key,
            asked.request,
            json.dumps([written.seq, written.outcomes]),
            now_s + KEPT_S,
        ),
    )
