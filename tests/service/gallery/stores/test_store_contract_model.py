"""Any sequence of writes and restarts leaves what twenty lines over a dictionary say."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from service.gallery.gallery_errors import SeqConflict
from service.gallery.stores.batch import Delete, Upsert
from tests.gallery_stores import PLACES, SPEC, digest_by_hand, held, upsert, write

NAMES = ["a", "b", "c", "שלום", "{d}"]

changes = st.builds(
    lambda name, seed, if_seq, deletes: (
        Delete(name, if_seq=if_seq)
        if deletes
        else upsert(name, seed, if_seq=if_seq, attributes={"seed": seed})
    ),
    st.sampled_from(NAMES),
    st.integers(0, 3),
    st.none() | st.none() | st.integers(0, 6),
    st.booleans(),
)
batches = st.lists(changes, min_size=1, max_size=5, unique_by=lambda change: change.tracklet_id)
histories = st.lists(batches | st.just("restart"), max_size=12)


def expected(model, seq, batch):
    """What the batch makes of rows (seq, seed) by name: the rows, and the outcomes or conflicts."""
    conflicts = {}
    for change in batch:
        at = model.get(change.tracklet_id, (0,))[0]
        if change.if_seq is not None and change.if_seq != at:
            conflicts[change.tracklet_id] = at
    if conflicts:
        return model, conflicts
    after, outcomes = dict(model), []
    for change in batch:
        before = after.pop(change.tracklet_id, None)
        if isinstance(change, Upsert):
            after[change.tracklet_id] = (seq + 1, change.metadata.attributes["seed"])
            outcomes.append("created" if before is None else "replaced")
        else:
            outcomes.append("absent" if before is None else "deleted")
    return after, tuple(outcomes)


@pytest.mark.parametrize("kind", sorted(PLACES))
@settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(history=histories)
def test_any_history_leaves_what_a_dictionary_says(kind, history):
    with tempfile.TemporaryDirectory() as directory, PLACES[kind](Path(directory)) as place:
        store = place.store()
        store.open()
        gallery = store.create_gallery("default", SPEC).gallery_id
        model, seq = {}, 0
        for step in history:
            if step == "restart":
                store.close()
                store = place.store()
                store.open()
                continue
            model, answer = expected(model, seq, step)
            if isinstance(answer, dict):
                with pytest.raises(SeqConflict) as caught:
                    write(store, gallery, *step)
                assert caught.value.held == answer
                continue
            written = write(store, gallery, *step)
            seq += set(answer) != {"absent"}
            assert (written.seq, written.outcomes) == (seq, answer)
        rows = held(store, gallery)
        seeds = {name: (row.seq, row.metadata.attributes["seed"]) for name, row in rows.items()}
        assert seeds == model
        for name, row in rows.items():
            written = upsert(name, model[name][1]).embedding.astype(np.float16)
            assert np.array_equal(row.embedding, written.astype(np.float32))
        state = store.state(gallery)
        assert (state.seq, state.tracklets) == (seq, len(model))
        assert state.digest == digest_by_hand(rows)
        assert len(store.log(gallery, after=0, limit=99)) == seq
        store.close()
