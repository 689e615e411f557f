"""The append-only file cut at every byte of the last write: that write is gone, and no other.

Each cut is loaded by a real start of Redis. `make test` tries every tenth byte and both ends of
each command; `make faults` tries them all.
"""

import random
import shutil
import signal

import pytest

from service.gallery.stores.batch import Delete, IdempotencyKey
from tests.gallery_stores import SPEC, digest_by_hand, held, upsert, write
from tests.long_run import rounds
from tests.redis_galleries import everything, opened_store
from tests.redis_server import ServerRefused

KEPT, LOST = IdempotencyKey("kept", "r"), IdempotencyKey("lost", "r")


def last_file(server):
    """The file that writes are appended to."""
    (found,) = server.append_only_directory.glob("*.incr.aof")
    return found


def last_write(store, gallery):
    """One that creates, replaces, deletes and is remembered."""
    changes = [upsert("new", 9, enrolled_s=1.0), upsert("a", 8, enrolled_s=1.0), Delete("b")]
    return write(store, gallery, *changes, key=LOST)


def written(server, store):
    """Write four batches; where the last starts in the file, what was there before and after."""
    gallery = store.create_gallery("g", SPEC).gallery_id
    write(store, gallery, upsert("a", 1), upsert("b", 2), key=KEPT)
    write(store, gallery, upsert("c", 3), Delete("a"))
    write(store, gallery, upsert("a", 4))
    start, before = last_file(server).stat().st_size, everything(server)
    last_write(store, gallery)
    return gallery, start, before, everything(server)


def ends_of_commands(raw):
    return {
        at + shift for at in range(len(raw)) for shift in (-1, 0, 1) if raw[at : at + 1] == b"*"
    }


def chosen_cuts(raw, start):
    """Lengths to cut to, from right before the last write to right before its last byte."""
    every = range(start, len(raw))
    some = set(every[random.Random(0).randrange(10) :: 10]) | ends_of_commands(raw)
    return sorted(rounds(some & set(every), set(every)) | {start, len(raw) - 1})


def test_a_cut_anywhere_in_the_last_write_takes_it_whole_and_leaves_the_others(server):
    with opened_store(server) as store:
        _, start, before, after = written(server, store)
    server.stop()
    path, raw = last_file(server), last_file(server).read_bytes()
    cuts = chosen_cuts(raw, start)
    for cut in cuts:
        path.write_bytes(raw[:cut])
        server.start()
        assert everything(server) == before, f"cut to {cut} of {len(raw)} bytes"
        server.kill()
    path.write_bytes(raw)
    server.start()
    assert everything(server) == after
    print(f"{len(cuts)} cuts within {len(raw) - start} bytes")


def test_a_write_after_a_cut_is_whole_at_the_next_start_and_brings_nothing_back(server):
    with opened_store(server) as store:
        gallery, start, _, _ = written(server, store)
        server.stop()
        whole = shutil.copytree(server.append_only_directory, server.directory / "whole")
        raw = last_file(server).read_bytes()
        cuts = chosen_cuts(raw, start)
        for cut in rounds(cuts[:: len(cuts) // 25], cuts):
            shutil.rmtree(server.append_only_directory)
            shutil.copytree(whole, server.append_only_directory)
            last_file(server).write_bytes(raw[:cut])
            server.start()
            assert write(store, gallery, upsert("other", 5, enrolled_s=1.0)).seq == 4
            acknowledged = everything(server)
            server.restart()
            assert everything(server) == acknowledged, f"cut to {cut} of {len(raw)} bytes"
            assert set(held(store, gallery)) == {"a", "b", "c", "other"}
            server.kill()


def test_killed_again_while_its_file_is_written_anew_redis_starts_at_the_second_try(server):
    with opened_store(server) as store:
        _, _, before, _ = written(server, store)
    server.stop()
    path, raw = last_file(server), last_file(server).read_bytes()
    path.write_bytes(raw[: raw.rindex(b"*1\r\n$4\r\nEXEC") + 3])
    server.start()
    with server.client() as client:
        client.config_set("rdb-key-save-delay", 5_000_000)
        client.bgrewriteaof()
    server.pause()
    server.signal_children(signal.SIGKILL)
    server.kill()
    # It mends the file, and ends all the same: whatever watches over it must start it again.
    with pytest.raises(ServerRefused, match="the truncated file is not the last file"):
        server.start()
    server.start()
    assert everything(server) == before


def test_after_a_cut_the_lost_write_is_made_anew_and_the_chain_tells_who_saw_it(server):
    with opened_store(server) as store:
        gallery, start, _, _ = written(server, store)
        seen = store.state(gallery)
        server.stop()
        path = last_file(server)
        path.write_bytes(path.read_bytes()[: start + 200])
        server.start()
        assert write(store, gallery, upsert("a", 1), upsert("b", 2), key=KEPT).repeated
        lost = store.state(gallery)
        assert lost.seq == seen.seq - 1
        assert store.entry_hash(gallery, seen.seq) is None
        write(store, gallery, upsert("other", 5))
        anew = last_write(store, gallery)
        assert (anew.seq, anew.repeated) == (seen.seq + 1, False)
        (entry,) = store.log(gallery, after=seen.seq, limit=1)
        assert entry.continues(seen.seq, store.entry_hash(gallery, seen.seq))
        assert not entry.continues(seen.seq, seen.chain)
        assert store.state(gallery).digest == digest_by_hand(held(store, gallery))


def test_a_hole_in_the_middle_of_the_file_stops_redis(server):
    with opened_store(server) as store:
        written(server, store)
    server.stop()
    path, raw = last_file(server), last_file(server).read_bytes()
    kept = path.with_suffix(".whole")
    shutil.copy(path, kept)
    path.write_bytes(raw[: len(raw) // 2] + raw[len(raw) // 2 + 7 :])
    with pytest.raises(ServerRefused, match="Bad file format reading the append only file"):
        server.start()
    kept.replace(path)
    server.start()
