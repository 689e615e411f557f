"""kill -9 of Redis under eight writers: no acknowledged write is lost, no batch is half there.

Each writer owns its tracklets. It repeats a write whose outcome it does not know, under the same
key, until it is answered, so that what must be there in the end is known exactly.
"""

import random
import threading
import time
from dataclasses import dataclass, field

import pytest

from service.gallery.gallery_errors import OutcomeUnknown, StoreUnavailable
from service.gallery.stores.batch import Batch, Delete, IdempotencyKey
from service.gallery.stores.log_chain import first_hash
from tests.gallery_stores import SPEC, digest_by_hand, held, upsert
from tests.long_run import rounds
from tests.redis_galleries import opened_store
from tests.redis_server import RedisServer

WRITERS = 8
KILLS = rounds(6, 200)
TRACKLETS_OF_EACH = 20


@dataclass
class Writer:
    """Batches of one thread, and what was answered.

    Attributes:
        rows: From tracklet id to the version that must be there; deleted ones are not in it.
        acknowledged: From seq to the ids that the batch touched.
        unknown: How many times the outcome was not known at first.
        late: How many of those had been made.
    """

    number: int
    store: object
    gallery: str
    rows: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[int, set[str]] = field(default_factory=dict)
    unknown: int = 0
    late: int = 0

    def run(self, stopping: threading.Event) -> None:
        chosen, version = random.Random(self.number), 0
        while not stopping.is_set():
            version += 1
            batch = self._batch(chosen, version)
            written = self._answered(batch)
            names = [change.tracklet_id for change in batch.changes]
            touched = {
                name
                for name, outcome in zip(names, written.outcomes, strict=True)
                if outcome != "absent"
            }
            if touched:
                self.acknowledged[written.seq] = touched
            for change in batch.changes:
                self.rows.pop(change.tracklet_id, None)
                if not isinstance(change, Delete):
                    self.rows[change.tracklet_id] = version

    def _batch(self, chosen, version):
        numbers = chosen.sample(range(TRACKLETS_OF_EACH), chosen.choice([1, 3, 12]))
        names = [f"{self.number}-{number}" for number in numbers]
        changes = [
            Delete(name)
            if chosen.random() < 0.3
            else upsert(name, version, enrolled_s=1.0, attributes={"version": version})
            for name in names
        ]
        return Batch(tuple(changes), IdempotencyKey(f"{self.number}-{version}", f"{names}"))

    def _answered(self, batch):
        was_unknown = False
        while True:
            try:
                written = self.store.write(self.gallery, batch)
            except OutcomeUnknown:
                self.unknown += not was_unknown
                was_unknown = True
            except StoreUnavailable:
                time.sleep(0.01)
            else:
                assert was_unknown or not written.repeated
                self.late += written.repeated
                return written


@pytest.mark.parametrize("seed", rounds([1], [1, 2, 3, 4, 5]))
def test_kills_lose_no_acknowledged_write_and_leave_no_half_batch(tmp_path, seed):
    print(f"seed {seed}: {KILLS} kills")
    with RedisServer(tmp_path) as server, opened_store(server) as store:
        gallery = store.create_gallery("g", SPEC).gallery_id
        writers = [Writer(number, store, gallery) for number in range(WRITERS)]
        stopping, chosen = threading.Event(), random.Random(seed)
        threads = [threading.Thread(target=one.run, args=(stopping,)) for one in writers]
        for thread in threads:
            thread.start()
        for _ in range(KILLS):
            time.sleep(chosen.uniform(0.01, 0.4))
            server.restart()
        stopping.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        server.restart()
        _judge(store, gallery, writers)
    print(
        f"{sum(len(one.acknowledged) for one in writers)} acknowledged, "
        f"{sum(one.unknown for one in writers)} unknown, {sum(one.late for one in writers)} made"
    )


def _judge(store, gallery, writers):
    records = held(store, gallery)
    versions = {name: record.metadata.attributes["version"] for name, record in records.items()}
    assert versions == {name: version for one in writers for name, version in one.rows.items()}
    for name, record in records.items():
        expected = upsert(name, versions[name]).embedding
        assert abs(record.embedding - expected).max() < 1e-3
    acknowledged = {seq: names for one in writers for seq, names in one.acknowledged.items()}
    log = store.log(gallery, after=0, limit=10**6)
    chain = first_hash(gallery)
    for seq, entry in enumerate(log):
        assert entry.continues(seq, chain)
        chain = entry.hash
    assert {entry.seq: set(entry.touched()) for entry in log} == acknowledged
    state = store.state(gallery)
    assert (state.seq, state.chain, state.tracklets) == (len(log), chain, len(records))
    assert state.digest == digest_by_hand(records)
