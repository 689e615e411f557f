import pytest

from service.gallery.gallery_errors import StoreUnavailable, TrackletNotFound
from service.gallery.stored_record import stored_record
from service.gallery.stores.row_codec import DamagedRow
from tests.open_galleries import put


def test_the_record_is_what_the_store_has_now(gallery):
    seq = put(gallery, "a", identity="p")
    record = stored_record(gallery, "a")
    assert (record.tracklet_id, record.metadata.identity, record.seq) == ("a", "p", seq)


def test_what_is_not_there_or_has_expired_is_not_found(gallery):
    put(gallery, "old", expires_s=1.0)
    for name in ("old", "never"):
        with pytest.raises(TrackletNotFound, match=rf"an enrolled tracklet, received '{name}'"):
            stored_record(gallery, name)


def test_a_damaged_row_is_said_to_be_damaged(gallery, monkeypatch):
    damaged = [DamagedRow("a", "the checksum does not match")]
    monkeypatch.setattr(gallery.store, "rows", lambda *_: damaged)
    with pytest.raises(StoreUnavailable, match=r"a damaged row: the checksum.*enroll it again"):
        stored_record(gallery, "a")
