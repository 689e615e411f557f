"""What every store owes to many threads at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

from service.gallery.gallery_errors import SeqConflict
from service.gallery.stores.batch import Delete
from tests.gallery_stores import digest_by_hand, held, upsert, write

WRITERS = 8
WRITES = 40


def test_writers_share_the_numbers_without_gaps_and_lose_nothing(store, gallery):
    def enroll(writer):
        return [
            write(store, gallery, upsert(f"{writer}-{number}"), upsert(f"shared-{number % 5}")).seq
            for number in range(WRITES)
        ]

    with ThreadPoolExecutor(WRITERS) as threads:
        seqs = list(threads.map(enroll, range(WRITERS)))
    assert sorted(seq for own in seqs for seq in own) == list(range(1, WRITERS * WRITES + 1))
    assert all(own == sorted(own) for own in seqs)
    rows = held(store, gallery)
    state = store.state(gallery)
    assert len(rows) == state.tracklets == WRITERS * WRITES + 5
    assert state.digest == digest_by_hand(rows)
    chain = store.entry_hash(gallery, 0)
    for number, entry in enumerate(store.log(gallery, after=0, limit=999)):
        assert entry.continues(number, chain)
        chain = entry.hash
    assert chain == state.chain


def test_of_many_that_create_one_row_one_does(store, gallery):
    together = threading.Barrier(WRITERS)

    def create(writer):
        together.wait(30)
        try:
            return write(store, gallery, upsert("a", writer, if_seq=0)).outcomes
        except SeqConflict as error:
            return error.held

    with ThreadPoolExecutor(WRITERS) as threads:
        answers = list(threads.map(create, range(WRITERS)))
    assert answers.count(("created",)) == 1
    assert answers.count({"a": 1}) == WRITERS - 1


def test_counting_with_conditions_loses_no_step(store, gallery):
    write(store, gallery, upsert("n", attributes={"count": 0}))

    def step(_):
        while True:
            (row,) = store.rows(gallery, ["n"])
            count = row.record.metadata.attributes["count"] + 1
            try:
                change = upsert("n", attributes={"count": count}, if_seq=row.record.seq)
                return write(store, gallery, change).seq
            except SeqConflict:
                continue

    with ThreadPoolExecutor(4) as threads:
        seqs = list(threads.map(step, range(40)))
    assert sorted(seqs) == list(range(2, 42))
    assert held(store, gallery)["n"].metadata.attributes["count"] == 40


def test_a_scan_among_writes_brings_every_row_that_stays_once_and_whole(store, gallery):
    stay = [f"stay-{number}" for number in range(2500)]
    for start in range(0, len(stay), 250):
        part = stay[start : start + 250]
        write(store, gallery, *[upsert(name, attributes={"version": 0}) for name in part])
    done = threading.Event()

    def disturb():
        version = 0
        while not done.is_set():
            version += 1
            replaced = [upsert(name, attributes={"version": version}) for name in stay[::500]]
            write(store, gallery, *replaced, upsert(f"comes-{version}"))
            write(store, gallery, Delete(f"comes-{version}"))

    writer = threading.Thread(target=disturb)
    writer.start()
    try:
        for _ in range(3):
            rows = [row for piece in store.scan(gallery) for row in piece]
            names = [row.record.tracklet_id for row in rows]
            came = [name for name in names if name.startswith("stay")]
            assert sorted(came) == sorted(stay)
    finally:
        done.set()
        writer.join(60)
    assert set(held(store, gallery)) == set(stay)


def test_a_reader_sees_state_log_and_rows_of_whole_writes_only(store, gallery):
    write(store, gallery, upsert("left"), upsert("right"))
    done = threading.Event()

    def pairs():
        number = 0
        while not done.is_set():
            number += 1
            write(store, gallery, upsert("left", number), upsert("right", number))

    writer = threading.Thread(target=pairs)
    writer.start()
    try:
        for _ in range(100):
            state = store.state(gallery)
            assert state.tracklets == 2
            (entry,) = store.log(gallery, after=state.seq - 1, limit=1)
            assert (entry.seq, entry.hash) == (state.seq, state.chain)
            rows = store.rows(gallery, ["left", "right"])
            latest = store.state(gallery).seq
            assert all(state.seq <= row.record.seq <= latest for row in rows)
    finally:
        done.set()
        writer.join(60)
