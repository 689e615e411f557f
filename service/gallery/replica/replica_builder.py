"""Makes the index of a replica, from a snapshot or from the store, and proves it equal to that."""

import logging
import threading
from dataclasses import dataclass

import numpy as np

from service.gallery.gallery_errors import LogTrimmed, ReplicaDiverged, SnapshotUnusable
from service.gallery.replica.built_index import BuiltIndex, built_from_snapshot, built_from_store
from service.gallery.replica.index_proof import fault_in
from service.gallery.replica.ledger import Taken
from service.gallery.replica.log_follower import LogFollower
from service.gallery.replica.replica_parts import ReplicaParts
from service.gallery.stores.log_chain import LogEntry
from service.log import Field, log_event

logger = logging.getLogger(__name__)

_REPORT_EVERY_S = 5.0


class ReplicaStopped(Exception):
    """The replica is being stopped in the midst of something long; not an error."""


@dataclass(frozen=True, slots=True)
class FollowedIndex:
    """An index, and what brings it forward."""

    built: BuiltIndex
    follower: LogFollower


class ReplicaBuilder:
    """Builds and compares; one thread uses it."""

    def __init__(self, parts: ReplicaParts) -> None:
        self._store, self._info, self._clock = parts.store, parts.info, parts.clock
        self._snapshots, self._keeper = parts.snapshots, parts.keeper
        self._served, self._marks = parts.served, parts.marks
        self._random = np.random.default_rng()
        self._reported_s = self._clock()
        self.writing = threading.Lock()
        """Held while an index is changed."""
        self.stopping = threading.Event()
        self.rebuilds = 0

    def build(self) -> FollowedIndex:
        """An index that is equal to the store, from the newest snapshot that will do.

        Raises:
            ReplicaDiverged: When what was read is not what the store says it holds.
            LogTrimmed: When the log was trimmed meanwhile.
            StoreUnavailable: When the store cannot be read.
            ReplicaStopped: When `stopping` was set meanwhile.
        """
        self._marks.recall()
        return self._from_snapshots() or self._from_store()

    def compare(self, followed: FollowedIndex) -> None:
        """Apply what the store has written so far, and compare the index with it there.

        Raises:
            ReplicaDiverged: When they differ.
            LogTrimmed: When the next entry is no longer in the log.
            StoreUnavailable: When the store cannot be read.
            ReplicaStopped: When `stopping` was set meanwhile.
        """
        built, gallery_id = followed.built, self._info.gallery_id
        built.ledger.about_to_ask()
        stored = self._store.state(gallery_id)
        self._served.heard_of(stored.seq)
        while built.index.view.state.seq < stored.seq:
            if not followed.follower.follow(gallery_id, upto=stored.seq):
                raise _diverged(f"write {stored.seq} in the log", "a log that ends before it")
            self._served.heard_of(stored.seq)
            self._report("writes", built.index.view.state.seq, stored.seq)
        difference = built.ledger.difference(built.index.view.state, stored)
        if difference is not None:
            raise _diverged("an index equal to the store", difference)
        self._served.proved(stored.seq)

    def _from_snapshots(self) -> FollowedIndex | None:
        for path in self._snapshots.newest_first():
            try:
                built = built_from_snapshot(self._store, self._info, self._snapshots, path)
                state = built.index.view.state
                self._marks.pin(state.seq)
                followed = self._proved(built)
            except (SnapshotUnusable, ReplicaDiverged, LogTrimmed) as error:
                self._log("snapshot_ignored", logging.WARNING, reason=str(error))
                continue
            self._keeper.loaded(state)
            self._log("started_from_snapshot", seq=state.seq, tracklets=state.tracklets)
            return followed
        return None

    def _from_store(self) -> FollowedIndex:
        self._keeper.loaded(None)
        self.rebuilds += 1
        built = built_from_store(
            self._store,
            self._info,
            begun=lambda start: self._marks.pin(start.seq),
            read=lambda rows, start: self._report("rows", rows, start.tracklets),
        )
        followed = self._proved(built)
        state = built.index.view.state
        self._log("started_from_store", seq=state.seq, tracklets=state.tracklets)
        return followed

    def _proved(self, built: BuiltIndex) -> FollowedIndex:
        def apply(taken: Taken, last: LogEntry) -> None:
            with self.writing:
                built.index.apply(taken.rows, taken.deleted, seq=last.seq, chain=last.hash)
            self._served.applied(built.ledger.damaged())

        follower = LogFollower(self._store, built.index, built.ledger, apply)
        followed = FollowedIndex(built, follower)
        self.compare(followed)
        fault = fault_in(built.index.view, self._random)
        if fault is not None:
            raise _diverged("an index whose rows find themselves", fault)
        self._served.applied(built.ledger.damaged())
        return followed

    def _report(self, what: str, done: int, of: int) -> None:
        """Say how far it is: to those who ask, and every few seconds in the log."""
        if self.stopping.is_set():
            raise ReplicaStopped
        self._served.say(f"{done} of {of} {what} read")
        if self._clock() - self._reported_s >= _REPORT_EVERY_S:
            self._reported_s = self._clock()
            self._log("replica_building", what=what, done=done, of=of)

    def _log(self, event: str, level: int = logging.INFO, **fields: Field) -> None:
        log_event(logger, level, event, error=None, gallery=self._info.name, **fields)


def _diverged(expected: str, received: str) -> ReplicaDiverged:
    return ReplicaDiverged(
        expected=expected,
        received=received,
        remedy="run `reid gallery verify`; everything is read anew meanwhile",
        retry_after_s=1,
    )
