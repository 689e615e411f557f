"""One bit of Redis' files flipped: Redis refuses it, the row is put aside, or nobody is harmed.

No wrong embedding or metadata is ever served, and rows that are missing or stale show in the
digest of the gallery.
"""

import random
import shutil
from collections import Counter

import pytest

from service.errors import ReidError
from service.gallery.stores.batch import Delete
from service.gallery.stores.enrolment import enrolled_body
from service.gallery.stores.row_codec import IntactRow, pack_body
from tests.gallery_stores import SPEC, digest_by_hand, upsert, write
from tests.long_run import rounds
from tests.redis_galleries import opened_store
from tests.redis_server import RedisServer, ServerRefused

FLIPS = rounds(60, 1000)
NAMES = [f"tracklet-{number}" for number in range(8)]
VERSIONS = (1, 2, 3)


def enrolled(name, version):
    """What write number `version` enrolls under this id."""
    seed = 100 * version + NAMES.index(name)
    known = {"identity": f"p{version}", "camera": "c", "attributes": {"version": version}}
    return upsert(name, seed, enrolled_s=1.0, **known)


def fill(store):
    """Write each tracklet in three versions, and delete one."""
    gallery = store.create_gallery("g", SPEC).gallery_id
    for version in VERSIONS:
        write(store, gallery, *[enrolled(name, version) for name in NAMES])
    write(store, gallery, Delete(NAMES[0]))
    return gallery


def true_bodies():
    """By seq the body of every row that was ever written."""
    return {
        version: {enrolled_body(enrolled(name, version), SPEC, now_s=0.0).raw for name in NAMES}
        for version in VERSIONS
    }


def body_of(record):
    return pack_body(
        record.tracklet_id, record.embedding, record.metadata, enrolled_s=record.enrolled_s
    ).raw


def served(store, gallery):
    """What the store answers of the gallery, or the error that it refuses it with."""
    try:
        store.open()
        rows = [row for piece in store.scan(gallery) for row in piece]
        asked = [row for row in store.rows(gallery, NAMES) if row is not None]
        return store.state(gallery), rows, asked
    finally:
        store.close()


def outcome_of(server, store, gallery):
    """What a flip came to; fails when anything false is served."""
    try:
        server.start()
        state, rows, asked = served(store, gallery)
    except ServerRefused:
        return "refused by Redis"
    except ReidError:
        return "refused by the service"
    intact = [row.record for row in rows if isinstance(row, IntactRow)]
    truth = true_bodies()
    for record in [*intact, *(row.record for row in asked if isinstance(row, IntactRow))]:
        assert body_of(record) in truth.get(record.seq, ()), "a false row was served"
    if len(intact) < len(rows):
        return "row put aside"
    held = {record.tracklet_id: record for record in intact}
    agrees = state.tracklets == len(held) and state.digest == digest_by_hand(held)
    last = dict.fromkeys(NAMES[1:], VERSIONS[-1])
    is_true = {name: record.seq for name, record in held.items()} == last
    assert is_true or not agrees, "rows are missing or stale, and the digest agrees"
    return "harmless" if agrees else "seen by the digest"


@pytest.mark.parametrize("purged", [False, True], ids=["commands", "base file"])
def test_no_flipped_bit_makes_a_wrong_row(tmp_path, purged):
    chosen, outcomes = random.Random(int(purged)), Counter()
    with RedisServer(tmp_path, options={"rdbcompression": "no"}) as server:
        with opened_store(server) as store:
            gallery = fill(store)
            if purged:
                store.purge()
        server.stop()
        folder = server.append_only_directory
        whole = shutil.copytree(folder, tmp_path / "whole")
        path = max(folder.iterdir(), key=lambda one: one.stat().st_size)
        raw = path.read_bytes()
        for _ in range(FLIPS):
            at, bit = chosen.randrange(len(raw)), 1 << chosen.randrange(8)
            path.write_bytes(raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :])
            outcomes[outcome_of(server, store, gallery)] += 1
            server.kill()
            shutil.rmtree(folder)
            shutil.copytree(whole, folder)
        assert outcome_of(server, store, gallery) == "harmless"
    print(f"{path.name}: {dict(outcomes)}")
    assert outcomes["refused by Redis"] > 0
    assert purged or outcomes["row put aside"] > 0
