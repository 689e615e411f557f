"""The ledger knows what the store held at a write, although rows are read as they are later."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.gallery_errors import ReplicaDiverged
from service.gallery.records import TrackletMetadata
from service.gallery.replica.ledger import Ledger
from service.gallery.stores.log_chain import LogEntry, chain_hash, first_hash, log_keys
from service.gallery.stores.protocol import GalleryState
from service.gallery.stores.row_codec import DamagedRow, pack_body, pack_row, unpack_row
from tests.gallery_stores import DIMENSION, unit

NAMES = ["a", "b", "c"]


@dataclass
class History:
    """A store in memory: rows and log after every write."""

    rows: list[dict] = field(default_factory=lambda: [{}])
    entries: list[LogEntry] = field(default_factory=list)
    states: list[GalleryState] = field(
        default_factory=lambda: [GalleryState(0, 0, 0, first_hash("g"))]
    )

    def write(self, changes: dict[str, int | None]) -> None:
        """Put a row made from each seed, and delete where it is None."""
        before = self.states[-1]
        seq, rows, logged = before.seq + 1, dict(self.rows[-1]), []
        for name, seed in changes.items():
            rows.pop(name, None)
            body = None
            if seed is not None:
                body = pack_body(name, unit(seed), TrackletMetadata(), enrolled_s=1.0)
                rows[name] = unpack_row(name, pack_row(name, body, seq=seq))
            logged.append((name, body))
        keys = log_keys(logged)
        entry = LogEntry(seq, keys, before.chain, chain_hash(before.chain, seq, keys))
        digest = 0
        for row in rows.values():
            digest ^= row.digest
        self.rows.append(rows)
        self.entries.append(entry)
        self.states.append(GalleryState(seq, len(rows), digest, entry.hash))


@dataclass
class Held:
    """An index in memory, as the real one treats what it is given."""

    rows: dict = field(default_factory=dict)

    def apply(self, taken) -> None:
        for row in taken.rows:
            held = self.rows.get(row.record.tracklet_id)
            if held is None or row.record.seq > held.record.seq:
                self.rows[row.record.tracklet_id] = row
        for name in taken.deleted:
            self.rows.pop(name, None)

    def state(self, seq: int, chain: str) -> GalleryState:
        digest = 0
        for row in self.rows.values():
            digest ^= row.digest
        return GalleryState(seq, len(self.rows), digest, chain)


changes = st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(0, 5), min_size=1)


@given(st.data(), st.lists(changes, min_size=1, max_size=8))
def test_at_every_write_it_tells_what_the_store_held_whenever_the_rows_were_read(data, writes):
    history = History()
    for write in writes:
        history.write(write)
    ledger, held, applied, read_at = Ledger(DIMENSION), Held(), 0, 0
    while applied < len(writes):
        upto = data.draw(st.integers(applied + 1, len(writes)))
        read_at = data.draw(st.integers(max(upto, read_at), len(writes)))
        entries = history.entries[applied:upto]
        touched = {name for entry in entries for name in entry.touched()}
        current = {name: history.rows[read_at].get(name) for name in touched}
        held.apply(ledger.take_logged(entries, current))
        applied = upto
        stored = history.states[applied]
        assert ledger.difference(held.state(applied, stored.chain), stored) is None
        wrong = replace(stored, digest=stored.digest ^ 1)
        assert ledger.difference(held.state(applied, stored.chain), wrong) is not None
        wrong = replace(stored, tracklets=stored.tracklets + 1)
        assert ledger.difference(held.state(applied, stored.chain), wrong) is not None
    ledger.about_to_ask()
    assert held.rows == history.rows[-1]
    assert ledger.difference(held.state(applied, stored.chain), stored) is None


@given(st.data(), st.lists(changes, min_size=1, max_size=6), st.lists(changes, max_size=4))
def test_after_a_scan_under_writers_it_is_exact_at_any_later_write(data, before, meanwhile):
    history = History()
    for write in before + meanwhile:
        history.write(write)
    start, end = len(before), len(before) + len(meanwhile)
    ledger, held = Ledger(DIMENSION), Held()
    for name in NAMES:
        seen_at = data.draw(st.integers(start, end))
        held.apply(ledger.take_read({name: history.rows[seen_at].get(name)}))
    for entry in history.entries[start:]:
        current = {name: history.rows[end].get(name) for name in entry.touched()}
        held.apply(ledger.take_logged([entry], current))
    stored = history.states[end]
    assert ledger.difference(held.state(end, stored.chain), stored) is None


@pytest.fixture
def history():
    history = History()
    history.write({"a": 1, "b": 2})
    history.write({"a": 3})
    return history


def taken(history, ledger, held, upto, rows, first=0):
    held.apply(ledger.take_logged(history.entries[first:upto], rows))
    stored = history.states[upto]
    return ledger.difference(held.state(upto, stored.chain), stored)


def test_another_write_of_the_same_number_differs(history):
    ledger = Ledger(DIMENSION)
    state = replace(history.states[1], chain="0" * 40)
    assert ledger.difference(history.states[1], state) == "write 1 here is not write 1 of the store"


def test_a_row_older_than_its_entry_is_no_row_of_this_log(history):
    with pytest.raises(ReplicaDiverged, match="rows as new as their entries"):
        taken(history, Ledger(DIMENSION), Held(), 2, history.rows[1])


def test_a_row_that_is_missing_must_be_explained_by_the_next_comparison(history):
    ledger, held = Ledger(DIMENSION), Held()
    rows = {**history.rows[2], "b": None}
    ledger.about_to_ask()
    assert taken(history, ledger, held, 2, rows) is None
    ledger.about_to_ask()
    state = history.states[2]
    assert "a row differs" in ledger.difference(held.state(2, state.chain), state)


def test_a_row_of_a_write_that_the_log_has_passed_is_a_ghost(history):
    ledger, held = Ledger(DIMENSION), Held()
    history.write({"c": 1})
    history.write({"a": 5})
    ghost = history.rows[4]["a"]
    assert taken(history, ledger, held, 2, {**history.rows[2], "a": ghost}) is None
    other = History()
    for changed in ({"a": 1, "b": 2}, {"a": 3}, {"c": 1}, {"c": 2}):
        other.write(changed)
    difference = taken(other, ledger, held, 4, other.rows[4], first=2)
    assert difference == "a row differs from what the log says of it"


def test_a_damaged_row_is_listed_counted_and_its_digest_known_from_the_log(history):
    ledger, held = Ledger(DIMENSION), Held()
    damaged = DamagedRow("b", "the checksum does not match")
    assert taken(history, ledger, held, 2, {**history.rows[2], "b": damaged}) is None
    ledger.about_to_ask()
    state = history.states[2]
    assert ledger.difference(held.state(2, state.chain), state) is None
    assert ledger.damaged() == (damaged,)
    wrong = replace(state, digest=state.digest ^ 1)
    assert "digest" in ledger.difference(held.state(2, state.chain), wrong)
    history.write({"b": 7})
    assert taken(history, ledger, held, 3, history.rows[3], first=2) is None
    assert ledger.damaged() == ()


def test_a_damaged_row_of_a_scan_is_counted_although_its_digest_is_not_known(history):
    ledger, held = Ledger(DIMENSION), Held()
    state = history.states[2]
    held.apply(ledger.take_read({**history.rows[2], "b": DamagedRow("b", "flipped")}))
    assert ledger.difference(held.state(2, state.chain), state) is None
    wrong = replace(state, tracklets=3)
    assert (
        ledger.difference(held.state(2, state.chain), wrong)
        == "2 tracklets were read where the store counts 3"
    )
    history.write({"b": None})
    assert taken(history, ledger, held, 3, {"b": None}, first=2) is None
    assert ledger.damaged() == ()


def test_a_row_that_was_put_in_anothers_place_is_damaged(history):
    ledger, held = Ledger(DIMENSION), Held()
    body = pack_body("b", unit(9), TrackletMetadata(), enrolled_s=1.0)
    foreign = unpack_row("b", pack_row("b", body, seq=1))
    assert taken(history, ledger, held, 2, {**history.rows[2], "b": foreign}) is None
    assert ledger.damaged() == (DamagedRow("b", "not the row that the log names"),)
    assert "b" not in held.rows


def test_a_row_of_another_dimension_is_damaged():
    body = pack_body("b", unit(9, 5), TrackletMetadata(), enrolled_s=1.0)
    row = unpack_row("b", pack_row("b", body, seq=1))
    ledger = Ledger(DIMENSION)
    assert ledger.take_read({"b": row}).rows == []
    assert ledger.damaged() == (DamagedRow("b", "an embedding of another dimension"),)
