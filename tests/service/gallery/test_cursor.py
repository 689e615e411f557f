import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidQuery
from service.gallery.cursor import cursor_after, last_name

ids = st.text(st.characters(categories=["L", "N", "P"], exclude_characters="/"), min_size=1)


@given(ids.filter(lambda name: len(name) <= 200 and name not in {".", ".."}))
def test_a_cursor_gives_its_id_back_and_needs_no_escaping(tracklet_id):
    cursor = cursor_after("g1", "tracklets", tracklet_id)
    assert last_name(cursor, "g1", "tracklets") == tracklet_id
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


@pytest.mark.parametrize("cursor", ["", "!!", "YQ", "YQ==x", "_w==", "YS9i", "é", "AA=="])
def test_a_cursor_that_no_page_gave_is_refused(cursor):
    with pytest.raises(InvalidQuery) as caught:
        last_name(cursor, "g1", "tracklets")
    assert caught.value.expected == "`cursor` as a page of this listing gave it in `next_cursor`"
    assert caught.value.received == "one that no page of it gave"
    assert caught.value.remedy == "start again without a cursor"


def test_a_cursor_of_another_gallery_or_of_other_names_is_refused():
    cursor = cursor_after("g1", "tracklets", "a")
    with pytest.raises(InvalidQuery, match="a page of this listing"):
        last_name(cursor, "g2", "tracklets")
    with pytest.raises(InvalidQuery, match="a page of this listing"):
        last_name(cursor, "g1", "identities")
