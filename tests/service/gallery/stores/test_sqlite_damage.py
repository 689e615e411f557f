"""What is kept beside the rows is found out too when it is not what was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.batch import IdempotencyKey
from service.gallery.stores.protocol import GallerySpec
from service.gallery.stores.sqlite_galleries import signed, unsigned
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.erasure_receipts import receipt
from tests.gallery_stores import MODEL, SPEC, upsert, write

KEY = IdempotencyKey("k", "r")
ENTRY = AuditEntry(1.0, "a", "search", "default", None, None, None)


@pytest.fixture
def store(tmp_path):
    store = SqliteGalleryStore(tmp_path / "data" / "gallery.sqlite3", clock=lambda: 5)
    store.open()
    yield store
    store.close()


@pytest.fixture
def gallery(store):
    spec = GallerySpec(MODEL, max_tracklets=50, retention_s=60)
    gallery = store.create_gallery("default", spec).gallery_id
    write(store, gallery, upsert("a"), key=KEY)
    return gallery


def execute(store, statement):
    with store._connections.writing() as database:
        database.execute(statement)


def refused(what, call):
    with pytest.raises(StoreUnavailable) as caught:
        call()
    assert caught.value.expected == f"{what} as it was written"
    assert caught.value.received == "something else: the file is damaged"
    assert caught.value.remedy == "restore the data directory from a backup, and check the disk"


@pytest.mark.parametrize(
    "damage",
    [
        "name = 'other'",
        "created_s = 6",
        "fingerprint = 'e'",
        "dimension = 31",
        "max_tracklets = NULL",
        "retention_s = 61",
        "seq = 2",
        "tracklets = 0",
        "digest = digest + 1",
        "chain = 'x'",
        "trimmed = 1",
        "checksum = checksum + 1",
    ],
)
def test_a_gallery_whose_row_is_damaged_is_neither_read_nor_written(store, gallery, damage):
    execute(store, f"UPDATE galleries SET {damage}")
    what = "the row of a gallery"
    refused(what, lambda: store.state(gallery))
    refused(what, store.galleries)
    refused(what, lambda: write(store, gallery, upsert("b")))
    refused(what, lambda: list(store.scan(gallery)))
    refused(what, lambda: store.create_gallery("default", SPEC))


def test_an_alias_that_points_elsewhere_by_itself_is_not_followed(store, gallery):
    store.create_gallery("other", SPEC)
    store.set_alias("live", gallery)
    assert store.aliases() == {"live": gallery}
    execute(store, "UPDATE aliases SET gallery_key = gallery_key + 1")
    refused("an alias", store.aliases)
    store.set_alias("live", gallery)
    execute(store, "UPDATE aliases SET alias = 'love'")
    refused("an alias", store.aliases)


def test_an_alias_of_a_gallery_that_is_not_there_is_not_passed_over(store, gallery):
    store.set_alias("live", gallery)
    connection = store._connections._writer
    connection.execute("PRAGMA foreign_keys = OFF")
    execute(store, "UPDATE aliases SET gallery_key = 99")
    refused("an alias", store.aliases)


def test_a_damaged_answer_is_not_given_again(store, gallery):
    execute(store, "UPDATE answers SET answer = '[1'")
    refused("the answer to a request", lambda: write(store, gallery, upsert("a"), key=KEY))
    assert store.state(gallery).seq == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"places": 5}', "{}"])
def test_a_damaged_receipt_is_not_left_out(store, gallery, text):
    store.begin_erasure(receipt(gallery))
    execute(store, f"UPDATE receipts SET receipt = '{text}'")
    refused("a receipt", lambda: store.receipts(gallery))


def test_a_damaged_audit_entry_is_named_and_those_after_it_can_be_read(store):
    store.audit([ENTRY, ENTRY, ENTRY])
    execute(store, "UPDATE audit SET entry = '{}' WHERE position = 2")
    what = "the audit entry at position 2"
    refused(what, lambda: store.audit_entries(after=None, limit=9))
    assert store.audit_entries(after=None, limit=1) == [("1", ENTRY)]
    assert store.audit_entries(after="2", limit=9) == [("3", ENTRY)]


@given(st.integers(0, 2**64 - 1))
def test_64_bits_survive_as_a_signed_integer(digest):
    assert -(2**63) <= signed(digest) < 2**63
    assert unsigned(signed(digest)) == digest
