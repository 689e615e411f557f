"""Listings, look-ups and limits of a view."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import InvalidMetadata
from service.gallery.filter_tree import EVERYTHING, Equals
from service.gallery.index import view as view_module
from service.gallery.records import TrackletMetadata
from tests.indexed_rows import NOW_S, filters, index_of, passes, rows_by_name, stored, vector


@pytest.fixture(params=["sorted", "walked", "walked, then sorted"])
def _each_way(request, monkeypatch):
    """Every way to a page, whichever its size would choose."""
    monkeypatch.setattr(view_module, "_LEAST_PIECE", 2)
    if request.param != "sorted":
        monkeypatch.setattr(view_module, "_SORTED_PER_WALKED", 0)
    if request.param == "walked, then sorted":
        monkeypatch.setattr(view_module, "_MOST_WALKED", 3)


def listed(index, chosen, limit, between_pages=lambda: None):
    found, after = [], None
    while page := index.view.page(chosen, after=after, limit=limit, now_s=NOW_S):
        assert len(page) <= limit
        found += page
        after = page[-1]
        between_pages()
    return found


@pytest.mark.usefixtures("_each_way")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=rows_by_name, chosen=filters, limit=st.integers(1, 4))
def test_pages_list_every_id_that_passes_in_order(rows, chosen, limit):
    expected = sorted(name for name, row in rows.items() if passes(name, row, chosen))
    assert listed(index_of(rows), chosen, limit) == expected


@pytest.mark.usefixtures("_each_way")
def test_what_is_there_for_the_whole_listing_is_listed_exactly_once():
    chooser = random.Random(3)
    index = index_of(
        {f"s{number:02}": (vector(number), TrackletMetadata()) for number in range(60)}
    )
    seq = 100

    def disturb():
        nonlocal seq
        for _ in range(6):
            seq += 1
            kept = stored(f"s{chooser.randrange(60):02}", (vector(seq), TrackletMetadata()), seq)
            passing = stored(
                f"{chooser.choice('asz')}{chooser.randrange(60):02}x",
                (vector(seq), TrackletMetadata()),
                seq,
            )
            gone = [f"{chooser.choice('asz')}{chooser.randrange(60):02}x"]
            gone = [name for name in gone if name != passing.record.tracklet_id]
            index.apply([kept, passing], gone, seq=seq, chain="c")

    names = listed(index, EVERYTHING, 7, disturb)
    assert [name for name in names if not name.endswith("x")] == [
        f"s{number:02}" for number in range(60)
    ]
    assert len(set(names)) == len(names)
    assert names == sorted(names)


@pytest.mark.usefixtures("_each_way")
def test_a_row_is_listed_by_the_first_page_after_its_write():
    index = index_of({"b": (vector(1), TrackletMetadata())})
    assert listed(index, EVERYTHING, 5) == ["b"]
    index.apply([stored("a", (vector(2), TrackletMetadata()), 2)], [], seq=2, chain="c")
    assert listed(index, EVERYTHING, 5) == ["a", "b"]
    index.apply([], ["b"], seq=3, chain="d")
    assert listed(index, EVERYTHING, 5) == ["a"]


def test_rows_are_found_by_their_ids_and_nobody_elses():
    rows = {f"t{number}": (vector(number), TrackletMetadata()) for number in range(30)}
    view = index_of(rows).view
    asked = [*rows, "nobody", ""]
    found = view.rows_of(asked)
    assert (found[-2:] == -1).all()
    assert view.ids_of(found[:-2]) == list(rows)


def test_identities_have_the_same_code_in_every_segment():
    rows = {
        f"t{number}": (vector(number), TrackletMetadata([None, "p0", "p1"][number % 3]))
        for number in range(30)
    }
    view = index_of(rows).view
    at = view.rows_of(list(rows))
    codes = view.identity_codes(at)
    assert codes.dtype == np.int32
    named = [view.identity_of(code) for code in codes.tolist()]
    assert named == [metadata.identity for _, metadata in rows.values()]
    assert set(codes[::3].tolist()) == {-1}


def test_the_metadata_of_a_hit_can_be_used_as_any_other():
    known = TrackletMetadata("p", "c", None, 3.0, {"x": 1}, 200.0)
    view = index_of({"t": (vector(1), known)}).view
    [[hit]] = view.nearest(vector(1)[None], view.select(EVERYTHING, now_s=NOW_S), 1)
    assert hit.metadata == known
    assert repr(hit.metadata) == repr(known)
    assert hit.metadata.interval_s() == (3.0, 3.0)
    with pytest.raises(TypeError):
        hit.metadata.attributes["x"] = 2
    with pytest.raises(AttributeError):
        hit.metadata.camera = "d"


def named(*numbers):
    return TrackletMetadata(attributes={f"name{number}": 1 for number in numbers})


def test_a_gallery_has_at_most_128_attribute_names():
    index = index_of({"t": (vector(1), named(*range(100))), "u": (vector(2), named(*range(28)))})
    index.view.check_attribute_names(f"name{number}" for number in range(128))
    with pytest.raises(InvalidMetadata) as refused:
        index.view.check_attribute_names(f"name{number}" for number in range(90, 129))
    assert str(refused.value) == (
        "expected at most 128 different attribute names in a gallery, received 129 with those of "
        "this request; use fewer names; put what is never filtered by into a store of your own"
    )


def test_names_that_no_living_row_has_do_not_count():
    index = index_of({"t": (vector(1), named(*range(120))), "u": (vector(2), named(1))})
    index.apply([], ["t"], seq=9, chain="c")
    index.view.check_attribute_names(f"other{number}" for number in range(127))


def test_the_digest_of_some_rows_is_theirs_alone():
    rows = {f"t{number}": (vector(number), TrackletMetadata(camera="c")) for number in range(9)}
    view = index_of(rows).view
    some = view.select(Equals("tracklet_id", ("t1", "t7")), now_s=NOW_S).rows()
    digests = [stored(name, rows[name], int(name[1:]) + 1).digest for name in ("t1", "t7")]
    assert view.digest_of(some) == digests[0] ^ digests[1]
    assert view.digest_of(np.empty(0, np.int64)) == 0
