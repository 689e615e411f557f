import json
import random
from dataclasses import replace

import pytest

from service.gallery.gallery_errors import CapacityExceeded, SeqConflict, StoreUnavailable
from service.gallery.stores.batch import MOST_CHANGES, Delete, IdempotencyKey
from service.gallery.stores.enrolment import enrolled_body
from service.gallery.stores.log_chain import chain_hash, first_hash, log_keys
from service.gallery.stores.protocol import GalleryState
from service.gallery.stores.row_codec import HEAD_BYTES, DamagedRow, pack_row, row_digest
from tests.gallery_stores import SPEC, digest_by_hand, held, upsert, write
from tests.redis_galleries import everything, key

NAMES = ["a", "{b}", "c:d", "é\n", 'q"\\', "\x00", "שלום", "🚶", "", "-1", "nan", "x" * 200]


@pytest.fixture
def gallery(redis_store):
    return redis_store.create_gallery("g", SPEC).gallery_id


class ByHand:
    """What Python's own rows, log and digest come to."""

    def __init__(self, gallery):
        self.rows, self.log, self.digests = {}, [], {}
        self.seq, self.chain = 0, first_hash(gallery)

    def write(self, *changes):
        named = []
        for change in changes:
            if isinstance(change, Delete):
                if change.tracklet_id in self.rows:
                    named.append((change.tracklet_id, None))
            else:
                body = enrolled_body(change, SPEC, now_s=0.0)
                named.append((change.tracklet_id, body))
        if not named:
            return
        self.seq += 1
        for name, body in named:
            self.rows.pop(name, None)
            self.digests.pop(name, None)
            if body is not None:
                self.rows[name] = pack_row(name, body, seq=self.seq)
                self.digests[name] = row_digest(name, self.seq, body.checksum)
        keys, previous = log_keys(named), self.chain
        self.chain = chain_hash(previous, self.seq, keys)
        self.log.append((self.seq, keys, previous, self.chain))

    def state(self):
        digest = 0
        for one in self.digests.values():
            digest ^= one
        return GalleryState(self.seq, len(self.rows), digest, self.chain)


def stored(server, gallery):
    with server.client() as client:
        rows = client.hgetall(key(gallery, "rows"))
        log = client.xrange(key(gallery, "log"))
    entries = [
        (int(place[:-2]), *(fields[name].decode() for name in (b"keys", b"p", b"h")))
        for place, fields in log
    ]
    return {name.decode(): raw for name, raw in rows.items()}, entries


def some_changes(chosen):
    for name in chosen.sample(NAMES, chosen.randint(1, len(NAMES))):
        if chosen.random() < 0.4:
            yield Delete(name)
        else:
            known = {"identity": chosen.choice([None, "p", "é"]), "attributes": {"n": 1}}
            yield upsert(name, chosen.randrange(99), enrolled_s=chosen.random() * 2e9, **known)


@pytest.mark.parametrize("first", [0, 2**31 - 3, 2**52])
def test_the_script_writes_byte_for_byte_what_python_would(server, redis_store, gallery, first):
    by_hand, chosen = ByHand(gallery), random.Random(first)
    with server.client() as client:
        client.hset(key(gallery, "meta"), "seq", first)
    by_hand.seq = first
    for _ in range(20):
        changes = tuple(some_changes(chosen))
        by_hand.write(*changes)
        assert write(redis_store, gallery, *changes).seq == by_hand.seq
        assert redis_store.state(gallery) == by_hand.state()
    assert stored(server, gallery) == (by_hand.rows, by_hand.log)
    assert redis_store.state(gallery).digest == digest_by_hand(held(redis_store, gallery))


def test_a_whole_batch_is_one_script(server, redis_store, gallery):
    changes = [upsert(f"t{number}", number, enrolled_s=1.0) for number in range(MOST_CHANGES)]
    write(redis_store, gallery, *changes)
    with server.client() as client:
        client.config_resetstat()
        write(redis_store, gallery, *changes)
        calls = client.info("commandstats")
    assert {name: calls[f"cmdstat_{name}"]["calls"] for name in ("evalsha", "xadd", "hset")} == {
        "evalsha": 1,
        "xadd": 1,
        "hset": 2,  # the rows and the state
    }


def test_what_a_log_fences_off_is_not_half_written(server, redis_store, gallery):
    write(redis_store, gallery, upsert("a", 1), upsert("b", 2))
    write(redis_store, gallery, upsert("a", 3))
    with server.client() as client:
        client.hset(key(gallery, "meta"), "seq", 1)
    before = everything(server)
    with pytest.raises(StoreUnavailable) as caught:
        write(redis_store, gallery, upsert("c"), Delete("b"), key=IdempotencyKey("k", "r"))
    assert "XADD is equal or smaller" in str(caught.value)
    assert str(caught.value).endswith("; see the log of Redis, and repeat the request when it does")
    assert everything(server) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("seq", "x"), ("tracklets", ""), ("digest", "0" * 15), ("digest", "g" * 16), ("chain", "")],
)
def test_nothing_is_written_over_a_damaged_state(server, redis_store, gallery, field, value):
    write(redis_store, gallery, upsert("a", 1))
    with server.client() as client:
        client.hset(key(gallery, "meta"), field, value)
    before = everything(server)
    with pytest.raises(StoreUnavailable) as caught:
        write(redis_store, gallery, upsert("b"), key=IdempotencyKey("k", "r"))
    assert str(caught.value) == (
        "expected the state of a gallery in Redis as the service wrote it, received something "
        "else; restore Redis from a backup"
    )
    assert everything(server) == before


def test_a_gallery_without_one_of_its_fields_is_refused(server, redis_store, gallery):
    with server.client() as client:
        client.hdel(key(gallery, "meta"), "chain")
    with pytest.raises(StoreUnavailable, match="the state of a gallery in Redis as the service"):
        write(redis_store, gallery, upsert("b", enrolled_s=1.0))


@pytest.mark.parametrize("damage", [b"", b"\x01", b"x" * 20, b"\x01" * 21, b"\xff" * 300])
@pytest.mark.parametrize("change", [upsert("a", 2), Delete("a")])
def test_a_damaged_row_can_be_replaced_and_deleted(server, redis_store, gallery, damage, change):
    write(redis_store, gallery, upsert("a", 1), upsert("b", 1))
    with server.client() as client:
        client.hset(key(gallery, "rows"), "a", damage)
    row, _ = redis_store.rows(gallery, ["a", "b"])
    assert isinstance(row, DamagedRow)
    written = write(redis_store, gallery, change)
    assert written.outcomes[0] in {"replaced", "deleted"}
    assert "a" not in held(redis_store, gallery) or written.outcomes == ("replaced",)
    assert redis_store.state(gallery).tracklets == len(held(redis_store, gallery))


@pytest.mark.parametrize("change", [upsert("\x00a", 2), Delete("\x00a")])
def test_a_bit_flipped_in_the_head_of_a_row_leaves_with_it(server, redis_store, gallery, change):
    name, rows = change.tracklet_id, key(gallery, "rows")
    write(redis_store, gallery, upsert(name, 1), upsert("b", 1))
    with server.client() as client:
        whole = client.hget(rows, name)
        for byte in range(HEAD_BYTES):
            flipped = bytearray(whole)
            flipped[byte] ^= 1 << byte % 8
            client.hset(rows, name, bytes(flipped))
            write(redis_store, gallery, change)
            # Or no index of the gallery would ever be found equal to it again.
            assert redis_store.state(gallery).digest == digest_by_hand(held(redis_store, gallery))
            write(redis_store, gallery, upsert(name, 1))
            whole = client.hget(rows, name)


def test_a_row_under_the_id_of_another_is_not_served(server, redis_store, gallery):
    write(redis_store, gallery, upsert("a", 1), upsert("b", 2))
    with server.client() as client:
        raw = client.hget(key(gallery, "rows"), "a")
        client.hset(key(gallery, "rows"), b"\xff", raw)
        client.hset(key(gallery, "rows"), "b", raw)
    found = {
        row.tracklet_id
        for piece in redis_store.scan(gallery)
        for row in piece
        if isinstance(row, DamagedRow)
    }
    assert found == {"b", "\ufffd"}


def test_a_gallery_beyond_its_limit_shrinks_and_does_not_grow(server, redis_store):
    gallery = redis_store.create_gallery("small", replace(SPEC, max_tracklets=3)).gallery_id
    write(redis_store, gallery, upsert("a"), upsert("b"), upsert("c"))
    with server.client() as client:
        client.hset(key(gallery, "meta"), "tracklets", 9)
    with pytest.raises(CapacityExceeded) as caught:
        write(redis_store, gallery, upsert("d"))
    assert str(caught.value) == (
        "expected at most 3 tracklets in the gallery, received 1 more than the 9 that it holds; "
        "delete tracklets, or enroll into another gallery"
    )
    assert write(redis_store, gallery, upsert("a", 5)).outcomes == ("replaced",)
    assert write(redis_store, gallery, Delete("b")).outcomes == ("deleted",)


def test_all_conflicts_are_named_and_nothing_is_written(server, redis_store, gallery):
    write(redis_store, gallery, upsert("a"), upsert("é"))
    before = everything(server)
    with pytest.raises(SeqConflict) as caught:
        write(
            redis_store,
            gallery,
            upsert("a", if_seq=1),
            upsert("é", if_seq=0),
            Delete("c", if_seq=1),
        )
    assert caught.value.held == {"é": 1, "c": 0}
    assert everything(server) == before


def test_a_gallery_larger_than_a_piece_is_scanned_and_read_whole(redis_store, gallery):
    names = [f"t{number}" for number in range(2500)]
    for start in range(0, len(names), MOST_CHANGES):
        part = names[start : start + MOST_CHANGES]
        write(redis_store, gallery, *[upsert(name, 1, enrolled_s=1.0) for name in part])
    pieces = list(redis_store.scan(gallery))
    assert len(pieces) > 2
    assert sorted(row.record.tracklet_id for piece in pieces for row in piece) == sorted(names)
    assert [row.record.tracklet_id for row in redis_store.rows(gallery, names)] == names


def test_the_log_names_rows_as_python_would_write_json(redis_store, gallery):
    for name in NAMES:
        write(redis_store, gallery, upsert(name))
        write(redis_store, gallery, Delete(name))
    for entry in redis_store.log(gallery, after=0, limit=999):
        assert entry.keys == json.dumps(json.loads(entry.keys), separators=(",", ":"))
