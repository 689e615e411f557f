"""A replica without a thread: a real index that follows a real store's log when it is told to."""

from service.gallery.gallery_errors import ReplicaBehind
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.stores.protocol import GalleryInfo, GalleryStore, ReplicaMark
from service.gallery.stores.row_codec import IntactRow


class LogFollower:
    """What erasures and sweeps need of a replica, one step at a time and without snapshots."""

    def __init__(self, store: GalleryStore, info: GalleryInfo, name: str = "a"):
        self.store, self.info, self.name = store, info, name
        self.index = GalleryIndex(info.gallery_id, info.spec.model.dimension)
        self.forgotten_seq = 0
        self.forgets = self.damaged_rows = 0

    def view(self):
        return self.index.view

    def catch_up(self, timeout_s):
        while entries := self.store.log(
            self.info.gallery_id, after=self.index.view.state.seq, limit=100
        ):
            for entry in entries:
                ids = entry.touched()
                found = self.store.rows(self.info.gallery_id, ids)
                rows = [row for row in found if isinstance(row, IntactRow)]
                gone = [name for name, row in zip(ids, found, strict=True) if row is None]
                self.index.apply(rows, gone, seq=entry.seq, chain=entry.hash)

    def wait_for(self, seq, timeout_s):
        self.catch_up(timeout_s)
        if self.index.view.state.seq < seq:
            raise ReplicaBehind(expected="a write", received="none", remedy="wait")

    def forget_dead(self):
        self.forgets += 1
        seq = self.index.view.state.seq
        if not self.index.zero_dead_slots():
            return False
        self.forgotten_seq = seq
        return True

    def say(self, now_s):
        """Leave a mark in the store, as a heartbeat does."""
        seq = self.index.view.state.seq
        mark = ReplicaMark(self.name, 0, seq, self.forgotten_seq, now_s)
        self.store.mark_replica(self.info.gallery_id, mark)
