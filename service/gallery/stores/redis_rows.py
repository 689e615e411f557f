"""Packed rows in Redis, and one write of them."""

import json
from collections.abc import Iterator, Sequence

from service.gallery.gallery_errors import (
    CapacityExceeded,
    IdempotencyConflict,
    IdentityBeingErased,
    SeqConflict,
    StoreUnavailable,
)
from service.gallery.stores.batch import Batch, Change, Delete, Outcome, Upsert, Written
from service.gallery.stores.enrolment import enrolled_body
from service.gallery.stores.redis_catalogue import RedisCatalogue
from service.gallery.stores.redis_connections import Argument, Reply
from service.gallery.stores.redis_keys import gallery_not_found, keys_of
from service.gallery.stores.row_codec import StoredRow, unpack_row

ANSWER_KEPT_S = 24 * 3600
"""To a request with an idempotency key."""

_ROWS_IN_A_PIECE = 1000
_OUTCOMES: dict[int, Outcome] = {
    ord("c"): "created",
    ord("r"): "replaced",
    ord("d"): "deleted",
    ord("a"): "absent",
}


class RedisRows(RedisCatalogue):
    """Rows of galleries; no row is ever half written."""

    def write(self, gallery_id: str, batch: Batch) -> Written:
        """Make all changes of the batch durable, or none; see `GalleryStore.write`."""
        keys = keys_of(gallery_id)
        asked = batch.idempotency
        reply = self._run(
            "write",
            (
                keys.meta,
                keys.rows,
                keys.log,
                keys.erasing,
                keys.answer("" if asked is None else asked.key),
            ),
            "" if asked is None else asked.request,
            ANSWER_KEPT_S,
            *self._arguments(gallery_id, batch.changes),
            when_full=all(isinstance(change, Delete) for change in batch.changes),
        )
        return _written(gallery_id, *reply)

    def rows(self, gallery_id: str, tracklet_ids: Sequence[str]) -> list[StoredRow | None]:
        """The current row of each id; None where there is none."""
        key = keys_of(gallery_id).rows
        pieces = [
            tracklet_ids[start : start + _ROWS_IN_A_PIECE]
            for start in range(0, len(tracklet_ids), _ROWS_IN_A_PIECE)
        ]
        replies = self._read_in_gallery(gallery_id, *(("HMGET", key, *ids) for ids in pieces))
        packed = [raw for reply in replies for raw in reply]
        return [
            None if raw is None else unpack_row(tracklet_id, raw)
            for tracklet_id, raw in zip(tracklet_ids, packed, strict=True)
        ]

    def scan(self, gallery_id: str) -> Iterator[list[StoredRow]]:
        """Every row, in pieces; one that is written meanwhile may come in its old or new form.

        When many rows are deleted meanwhile, a row may come twice.
        """
        key, cursor = keys_of(gallery_id).rows, b"0"
        while True:
            scan = ("HSCAN", key, cursor, "COUNT", _ROWS_IN_A_PIECE)
            [[cursor, words]] = self._read_in_gallery(gallery_id, scan)
            pairs = zip(words[::2], words[1::2], strict=True)
            rows = [unpack_row(raw_id.decode(errors="replace"), raw) for raw_id, raw in pairs]
            if rows:
                yield rows
            if cursor == b"0":
                return

    def _arguments(self, gallery_id: str, changes: Sequence[Change]) -> list[Argument]:
        """Seven words for each change, as the script takes them."""
        spec = self._spec_of(gallery_id)
        needs_clock = any(
            isinstance(change, Upsert) and change.enrolled_s is None for change in changes
        )
        now_s = self.now_s() if needs_clock else 0.0
        words: list[Argument] = []
        for change in changes:
            name = change.tracklet_id
            if_seq = "" if change.if_seq is None else str(change.if_seq)
            if isinstance(change, Delete):
                words += ("delete", name, if_seq, _logged(name, None), "", "", b"")
                continue
            body = enrolled_body(change, spec, now_s=now_s)
            logged = _logged(name, body.checksum)
            identity = change.metadata.identity or ""
            words += ("put", name, if_seq, logged, str(body.checksum), identity, body.raw)
        return words


def _logged(tracklet_id: str, checksum: int | None) -> str:
    """What the log says of one change, as `log_keys` writes it."""
    return f"[{json.dumps(tracklet_id)},{'null' if checksum is None else checksum}]"


def _written(gallery_id: str, answer: str, rest: list[Reply]) -> Written:
    """What the script answered, or the error that it stands for."""
    if answer == "written":
        seq, outcomes, repeated = rest
        return Written(seq, tuple(_OUTCOMES[letter] for letter in outcomes), bool(repeated))
    if answer == "seq_conflict":
        names = (name.decode() for name in rest[::2])
        raise SeqConflict(dict(zip(names, rest[1::2], strict=True)))
    if answer == "idempotency_conflict":
        raise IdempotencyConflict(
            expected="the request that this idempotency key came with before",
            received="another request",
            remedy="send a new key with a new request",
        )
    if answer == "identity_being_erased":
        raise IdentityBeingErased(
            expected="identities that nobody is erasing",
            received=repr(rest[0].decode()),
            remedy="wait until the receipt of its erasure is final",
        )
    if answer == "damaged":
        raise StoreUnavailable(
            expected="the state of a gallery in Redis as the service wrote it",
            received="something else",
            remedy="restore Redis from a backup",
        )
    if answer == "full":
        most, held, grown = rest
        raise CapacityExceeded(
            expected=f"at most {most} tracklets in the gallery",
            received=f"{grown} more than the {held} that it holds",
            remedy="delete tracklets, or enroll into another gallery",
        )
    raise gallery_not_found(gallery_id)
