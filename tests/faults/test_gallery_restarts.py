"""Any order of calls, restarts among them, against a dictionary."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.gallery.deletion import delete_identity
from service.gallery.gallery_errors import IdentityNotFound, TrackletNotFound
from tests.gallery_rows import (
    WITH_REAL_DISK,
    delete,
    embeddings,
    enroll,
    filters,
    identities,
    kept,
    metadatas,
    nearest_by_hand,
    options,
    page,
    pairs,
    search,
    service_in,
    tracklet_ids,
)


class GalleryMachine(RuleBasedStateMachine):
    """A gallery over restarts against a dictionary."""

    def __init__(self):
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.rows = {}
        self.seq = 0
        self.runner = asyncio.Runner()
        self.start()

    def start(self):
        self.service = service_in(self.directory)
        self.runner.run(self.service.start())

    def run(self, coroutine):
        return self.runner.run(coroutine)

    def forget(self, identity):
        return self.service.write("default", lambda held: delete_identity(held, identity))

    @rule(name=tracklet_ids, embedding=embeddings, metadata=metadatas)
    def enroll(self, name, embedding, metadata):
        done = self.run(enroll(self.service, name, embedding, metadata))
        self.seq += 1
        assert (done.seq, done.visible, done.repeated) == (self.seq, True, False)
        assert done.outcomes == ("replaced" if name in self.rows else "created",)
        self.rows[name] = (embedding, metadata)

    @rule(name=tracklet_ids)
    def delete(self, name):
        if name not in self.rows:
            with pytest.raises(TrackletNotFound):
                self.run(delete(self.service, name))
            return
        self.seq += 1
        assert self.run(delete(self.service, name)).seq == self.seq
        del self.rows[name]

    @rule(identity=identities)
    def delete_identity(self, identity):
        theirs = [name for name, row in self.rows.items() if row[1].identity == identity]
        if not theirs:
            with pytest.raises(IdentityNotFound):
                self.run(self.forget(identity))
            return
        self.seq += 1
        done = self.run(self.forget(identity)).value
        assert (done.tracklets, done.seq) == (len(theirs), self.seq)
        for name in theirs:
            del self.rows[name]

    @rule(query=embeddings, asked=options)
    def search(self, query, asked):
        result = self.run(search(self.service, query, asked))
        assert pairs(result) == nearest_by_hand(self.rows, query, asked)
        assert result.seq == self.seq

    @rule(name=tracklet_ids)
    def read(self, name):
        if name not in self.rows:
            with pytest.raises(TrackletNotFound):
                self.run(self.service.get("default", name))
            return
        record = self.run(self.service.get("default", name)).value
        assert np.array_equal(record.embedding, kept(self.rows[name][0]))
        assert record.metadata == self.rows[name][1]

    @rule(chosen=filters, limit=st.integers(1, 4))
    def list(self, chosen, limit):
        names, cursor = [], None
        while True:
            listed = self.run(page(self.service, chosen, cursor, limit))
            names += [record.tracklet_id for record in listed.records]
            assert len(listed.records) <= limit
            cursor = listed.next_cursor
            if cursor is None:
                break
            assert len(listed.records) == limit
        rows = sorted(self.rows.items())
        assert names == [name for name, row in rows if chosen.matches(name, row[1])]

    @precondition(lambda self: self.seq)
    @rule()
    def restart(self):
        self.run(self.service.close())
        self.start()

    @invariant()
    def index_equals_store(self):
        health = self.run(self.service.health())
        assert (health.ready, health.reason) == (True, None)
        assert (health.tracklets, health.seq) == (len(self.rows), self.seq)

    def teardown(self):
        self.run(self.service.close())
        self.runner.close()
        shutil.rmtree(self.directory)


GalleryMachine.TestCase.settings = settings(WITH_REAL_DISK, max_examples=20, stateful_step_count=25)
TestGalleryMachine = GalleryMachine.TestCase
