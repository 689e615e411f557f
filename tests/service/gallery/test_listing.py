import pytest

from service.errors import InvalidQuery
from service.gallery.cursor import cursor_after
from service.gallery.deletion import delete_one
from service.gallery.filter_tree import EVERYTHING, Equals, Not
from service.gallery.gallery_errors import ReplicaBehind
from service.gallery.listing import IdentityCount, Paging, list_identities, list_tracklets
from tests.open_galleries import new_gallery, put


def pages(listed, limit):
    """Every page that follows from the first; each but the last is full."""
    found, cursor = [], None
    while True:
        page = listed(Paging(cursor, limit))
        found.append(page)
        cursor = page.next_cursor
        if cursor is None:
            return found


def tracklets(gallery, chosen=EVERYTHING):
    return lambda paging: list_tracklets(gallery, chosen, paging, min_seq=None, within_s=0)


def people(gallery):
    return lambda paging: list_identities(gallery, paging, min_seq=None, within_s=0)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_show_everything_once_in_the_order_of_ids(gallery, limit):
    put(gallery, *"gcabfed")
    found = pages(tracklets(gallery), limit)
    names = [record.tracklet_id for page in found for record in page.records]
    assert names == list("abcdefg")
    assert all(len(page.records) == limit for page in found[:-1])
    assert len(found) == -(-7 // limit)


def test_a_filter_leaves_out_and_the_records_are_as_they_were_enrolled(gallery):
    seq = put(gallery, "a", camera="c1", identity="p", start_s=4.0)
    put(gallery, "b", camera="c2")
    (page,) = pages(tracklets(gallery, Equals("camera", ("c1",))), 9)
    (record,) = page.records
    assert (record.tracklet_id, record.metadata.identity, record.seq) == ("a", "p", seq)
    (page,) = pages(tracklets(gallery, Not(Equals("camera", ("c1",)))), 9)
    assert [record.tracklet_id for record in page.records] == ["b"]


def test_what_has_expired_is_on_no_page(gallery):
    put(gallery, "old", identity="p", expires_s=1.0)
    put(gallery, "new", identity="q", expires_s=9e12)
    assert [r.tracklet_id for r in pages(tracklets(gallery), 9)[0].records] == ["new"]
    assert pages(people(gallery), 9)[0].identities == (IdentityCount("q", 1),)


def test_a_row_that_is_deleted_after_the_view_was_taken_is_not_shown(gallery, monkeypatch):
    put(gallery, "a", "b", "c")
    old = gallery.view()
    delete_one(gallery, "b")
    monkeypatch.setattr(gallery.replica, "view", lambda: old)
    page = list_tracklets(gallery, EVERYTHING, Paging(None, 2), min_seq=None, within_s=0)
    assert [record.tracklet_id for record in page.records] == ["a"]
    assert page.next_cursor is not None


def test_a_row_that_no_longer_passes_is_not_shown(gallery, monkeypatch):
    put(gallery, "a", "b", camera="c1")
    old = gallery.view()
    put(gallery, "b", camera="c2")
    monkeypatch.setattr(gallery.replica, "view", lambda: old)
    (page,) = pages(tracklets(gallery, Equals("camera", ("c1",))), 9)
    assert [record.tracklet_id for record in page.records] == ["a"]


@pytest.mark.parametrize("limit", [1, 2, 9])
def test_identities_are_counted_by_name(gallery, limit):
    put(gallery, "a", "b", identity="q")
    put(gallery, "c", identity="p")
    put(gallery, "d")
    found = [one for page in pages(people(gallery), limit) for one in page.identities]
    assert found == [IdentityCount("p", 1), IdentityCount("q", 2)]


def test_a_cursor_is_of_one_gallery_and_not_of_its_successor(catalogue, gallery):
    put(gallery, "a", "b")
    cursor = cursor_after(gallery.gallery_id, "tracklets", "a")
    other = new_gallery(catalogue)
    for listed in (tracklets(other), people(other)):
        with pytest.raises(InvalidQuery, match="a page of this listing gave"):
            listed(Paging(cursor, 1))
    catalogue.drop(gallery.name)
    catalogue.create(gallery.name, gallery.info.spec)
    with pytest.raises(InvalidQuery, match="a page of this listing gave"):
        tracklets(catalogue.named(gallery.name))(Paging(cursor, 1))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_of_nothing_is_refused(limit):
    with pytest.raises(InvalidQuery, match=rf"`limit` of at least 1, received {limit}"):
        Paging(None, limit)


def test_a_page_shows_the_write_that_is_asked_for_or_is_refused(gallery):
    seq = put(gallery, "a")
    assert list_tracklets(gallery, EVERYTHING, Paging(None, 1), min_seq=seq, within_s=1).seq >= seq
    for listed in (
        lambda: list_tracklets(gallery, EVERYTHING, Paging(None, 1), min_seq=99, within_s=0.05),
        lambda: list_identities(gallery, Paging(None, 1), min_seq=99, within_s=0.05),
    ):
        with pytest.raises(ReplicaBehind):
            listed()
