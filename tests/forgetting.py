"""Galleries to erase from: a store with a clock that can be set, and rows of a few people."""

from dataclasses import dataclass

from service.gallery.records import TrackletMetadata
from service.gallery.retention import RetentionSweeper, RetentionTimes
from service.gallery.stores.batch import Batch, Delete, Upsert
from service.gallery.stores.protocol import GalleryModel, GallerySpec
from tests.gallery_rows import embedding_of

DIMENSION = 4
SPEC = GallerySpec(GalleryModel("f" * 64, DIMENSION))
TIMES = RetentionTimes(sweep_every_s=86400.0, purge_every_s=3600.0, audit_s=30 * 86400.0)


@dataclass
class SetClock:
    """Unix seconds that pass only when told to."""

    now_s: float = 1000.0

    def __call__(self):
        return self.now_s


def embedding(seed, dimension=DIMENSION):
    return embedding_of(seed, dimension)


def person(tracklet_id, identity, *, expires_s=None, if_seq=None):
    metadata = TrackletMetadata(identity=identity, camera="c1", expires_s=expires_s)
    return Upsert(tracklet_id, embedding(len(tracklet_id)), metadata, if_seq=if_seq)


def put(store, info, *changes):
    return store.write(info.gallery_id, Batch(tuple(changes))).seq


def drop(store, info, tracklet_id):
    return store.write(info.gallery_id, Batch((Delete(tracklet_id),))).seq


def held(store, info):
    """Ids of all rows, in order."""
    return sorted(row.record.tracklet_id for piece in store.scan(info.gallery_id) for row in piece)


def sweeper(store, *replicas, steady=None):
    return RetentionSweeper(
        store,
        lambda: [(replica.info, replica) for replica in replicas],
        TIMES,
        clock=steady or SetClock(0.0),
    )
