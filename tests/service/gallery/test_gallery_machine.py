"""Any history of writes, searches, aliases and restarts answers as a dictionary would.

The machine drives the whole gallery, store to ranking, over either store; `Model` is what it must
be like.
"""

import asyncio
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.gallery.deletion import delete_chosen, delete_identity, delete_one
from service.gallery.enrolment import Enrolment
from service.gallery.filter_tree import All, AnyOf, Filter, Not
from service.gallery.gallery_errors import IdentityNotFound, SeqConflict, TrackletNotFound
from service.gallery.listing import Paging, list_tracklets
from service.gallery.ranking.search import SearchOptions
from service.gallery.records import check_embedding
from service.gallery.stores.protocol import GallerySpec
from tests.gallery_rows import MODEL, filters, service_of
from tests.gallery_stores import PLACES
from tests.long_run import rounds
from tests.ranked_rows import (
    DIMENSION,
    NOW_S,
    Row,
    embeddings,
    matches_by_hand,
    metadatas,
    tracklet_ids,
    unit,
)

GALLERIES = ["default", "other"]
NAMES = [*GALLERIES, "current"]
LONG_AGO_S, LONG_AFTER_S = 1.0, 4e9

names = st.sampled_from(NAMES)
trees = filters | st.tuples(filters, filters).map(lambda two: AnyOf((All(two), Not(two[0]))))
rows = st.tuples(
    embeddings,
    # On the clock of a real store, the moments around NOW_S of these rows are long past.
    metadatas.map(
        lambda known: replace(
            known,
            expires_s=known.expires_s
            and (LONG_AGO_S if known.expires_s <= NOW_S else LONG_AFTER_S),
        )
    ),
)
queries = embeddings.map(lambda one: check_embedding(one, DIMENSION))
searches = st.builds(
    SearchOptions,
    top_k=st.integers(1, 10),
    filter=trees,
    query_camera=st.sampled_from(["c0", "c1"]),
    exclude_same_camera=st.booleans(),
    group_by=st.sampled_from(["tracklet", "identity"]),
    group_mode=st.sampled_from(["max", "mean", "top-m"]),
    group_top_m=st.integers(1, 3),
    min_similarity=st.none() | st.sampled_from([-0.5, 0.0, 0.5]),
)


@dataclass
class Model:
    """What a gallery service is: rows by id in named galleries, and one alias."""

    alias: str = "default"
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {g: {} for g in GALLERIES})

    def named(self, name: str) -> dict[str, Row]:
        return self.rows[self.alias if name == "current" else name]

    def enroll(self, name: str, tracklet_id: str, row: Row) -> str:
        outcome = "replaced" if tracklet_id in self.named(name) else "created"
        embedding, metadata = row
        self.named(name)[tracklet_id] = unit(embedding), metadata
        return outcome

    def delete(self, name: str, passes) -> int:
        rows = self.named(name)
        gone = [key for key, row in rows.items() if passes(key, row[1])]
        for key in gone:
            del rows[key]
        return len(gone)

    def search(self, name: str, query, options: SearchOptions):
        return matches_by_hand(self.named(name), query, options, options.tree())[: options.top_k]

    def listed(self, name: str, chosen: Filter) -> list[str]:
        held = self.named(name)
        alive = [key for key, row in held.items() if row[1].expires_s != LONG_AGO_S]
        return sorted(key for key in alive if chosen.matches(key, held[key][1]))


class GalleryMachine(RuleBasedStateMachine):
    """The service and the model, told the same."""

    kind = "sqlite"

    @initialize()
    def begin(self):
        self.model = Model()
        self.exits = ExitStack()
        self.runner = self.exits.enter_context(asyncio.Runner())
        self.directory = Path(self.exits.enter_context(tempfile.TemporaryDirectory()))
        self.place = self.exits.enter_context(PLACES[self.kind](self.directory / "store"))
        self.service = None
        self.restart()
        self.run(
            self.service.manage(lambda catalogue: catalogue.create("other", GallerySpec(MODEL)))
        )
        self.point("default")

    def teardown(self):
        self.run(self.service.close())
        self.exits.close()

    def run(self, work):
        async def bounded():
            async with asyncio.timeout(60):
                return await work

        return self.runner.run(bounded())

    @rule()
    def restart(self):
        if self.service is not None:
            self.run(self.service.close())
        self.service = service_of(self.place.store(), self.directory)
        self.run(self.service.start())

    @rule(gallery=st.sampled_from(GALLERIES))
    def point(self, gallery):
        self.run(self.service.manage(lambda catalogue: catalogue.point_alias("current", gallery)))
        self.model.alias = gallery

    @rule(name=names, tracklet_id=tracklet_ids, row=rows)
    def enroll(self, name, tracklet_id, row):
        written = self.run(self.service.enroll(name, Enrolment(tracklet_id, *row))).value
        assert written.outcomes == (self.model.enroll(name, tracklet_id, row),)

    @rule(name=names, tracklet_id=tracklet_ids, row=rows)
    def enroll_only_new(self, name, tracklet_id, row):
        enrolment = Enrolment(tracklet_id, *row, if_seq=0)
        if tracklet_id in self.model.named(name):
            with pytest.raises(SeqConflict):
                self.run(self.service.enroll(name, enrolment))
        else:
            self.run(self.service.enroll(name, enrolment))
            self.model.enroll(name, tracklet_id, row)

    @rule(name=names, tracklet_id=tracklet_ids)
    def delete(self, name, tracklet_id):
        deleted = self.model.delete(name, lambda key, _: key == tracklet_id)
        deletion = self.service.write(name, lambda held: delete_one(held, tracklet_id))
        if deleted:
            self.run(deletion)
        else:
            with pytest.raises(TrackletNotFound):
                self.run(deletion)

    @rule(name=names, identity=st.sampled_from(["p0", "p1"]))
    def delete_person(self, name, identity):
        deleted = self.model.delete(name, lambda _, known: known.identity == identity)
        deletion = self.service.write(name, lambda held: delete_identity(held, identity))
        if deleted:
            assert self.run(deletion).value.tracklets == deleted
        else:
            with pytest.raises(IdentityNotFound):
                self.run(deletion)

    @rule(name=names, chosen=trees)
    def delete_all(self, name, chosen):
        deleted = self.model.delete(name, chosen.matches)
        deletion = self.service.write(name, lambda held: delete_chosen(held, chosen))
        assert self.run(deletion).value.tracklets == deleted

    @rule(name=names, query=queries, options=searches)
    def search(self, name, query, options):
        answer = self.run(self.service.search(name, query, options)).value
        found = [(match.tracklet_id, match.similarity, match.tracklets) for match in answer.matches]
        assert found == self.model.search(name, query, options)
        assert answer.exact
        assert answer.complete

    @rule(name=names, chosen=trees)
    def list_all(self, name, chosen):
        shown, cursor = [], None
        while True:
            page = self.run(self.service.read(name, _page(chosen, cursor))).value
            shown += [record.tracklet_id for record in page.records]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert shown == self.model.listed(name, chosen)

    @invariant()
    def counts_agree(self):
        for gallery in GALLERIES:
            if self.service is not None:
                held = self.run(self.service.open(gallery))
                state = held.replica.view().state
                assert state == held.store.state(held.gallery_id)
                assert state.tracklets == len(self.model.rows[gallery])


def _page(chosen, cursor):
    paging = Paging(cursor, 3)
    return lambda held: list_tracklets(held, chosen, paging, min_seq=None, within_s=0)


class RedisMachine(GalleryMachine):
    kind = "redis"


REAL_PARTS = settings(
    max_examples=rounds(8, 400),
    stateful_step_count=rounds(25, 60),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
TestOverSqlite = GalleryMachine.TestCase
TestOverSqlite.settings = REAL_PARTS
TestOverRedis = RedisMachine.TestCase
TestOverRedis.settings = REAL_PARTS
