import faiss
import numpy as np
import pytest

from service.gallery.erasable_gallery import ErasableGallery
from service.gallery.filter_tree import EVERYTHING
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.planner import SwitchPoints
from service.gallery.replica.replica import GalleryReplica
from service.gallery.stores.batch import Batch, Delete, Upsert
from service.gallery.stores.protocol import GalleryModel, GallerySpec
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.crowds import CROWD_DIMENSION, crowd

NOW_S = 1e6
ROWS = 1500


@pytest.fixture
def store(tmp_path):
    store = SqliteGalleryStore(tmp_path / "gallery.sqlite3")
    store.open()
    yield store
    store.close()


def write(store, info, changes) -> int:
    written = [
        store.write(info.gallery_id, Batch(tuple(changes[start : start + 256])))
        for start in range(0, len(changes), 256)
    ]
    return written[-1].seq


def codes_of(tier, view):
    base = tier.base_for(view, view.select(EVERYTHING, now_s=NOW_S), "ann")
    codes = faiss.downcast_index(base._graph.storage).codes
    return faiss.rev_swig_ptr(codes.data(), codes.size()).reshape(base.rows, -1).copy()


def test_forgetting_reaches_the_approximate_index_and_leaves_the_living_in_it(store, tmp_path):
    spec = GallerySpec(GalleryModel("f" * 64, CROWD_DIMENSION))
    info = store.create_gallery("people", spec)
    upserts = [Upsert(name, *row) for name, row in crowd(ROWS).items()]
    write(store, info, upserts)
    replica = GalleryReplica(store, info, snapshot_dir=tmp_path / "snapshots", name="one")
    replica.start()
    try:
        tier = ApproximateTier(SwitchPoints(exact_max_rows=1000))
        tier.refresh(replica.view, now_s=NOW_S)
        gallery = ErasableGallery(replica, tier, name="one")
        before = np.count_nonzero(codes_of(tier, replica.view()).any(axis=1))
        seq = write(store, info, [Delete(f"t{number:05}") for number in range(1, 21)])
        gallery.wait_for(seq, 5)
        assert gallery.forget_dead()
        assert gallery.forgotten_seq == seq
        after = np.count_nonzero(codes_of(tier, replica.view()).any(axis=1))
        assert tier.status().state == "published"
        assert after == before - 20
    finally:
        replica.stop()
