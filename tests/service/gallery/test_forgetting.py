"""What forgets runs together, is missed when it dies, and leaves nothing unwritten at its end."""

import time

import pytest

from service.gallery.audit import Caller, Deed
from service.gallery.erasure_places import Subject
from service.gallery.forgetting import Forgetting, ForgettingOptions
from service.gallery.retention import RetentionTimes
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.open_galleries import new_gallery, open_catalogue, put, who

OPTIONS = ForgettingOptions(
    times=RetentionTimes(sweep_every_s=0.05, purge_every_s=3600.0, audit_s=86400.0),
    erasure_deadline_s=86400.0,
    most_waiting_audits=100,
)
PATIENCE_S = 20


@pytest.fixture
def store(tmp_path):
    opened = SqliteGalleryStore(tmp_path / "g.sqlite3")
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def catalogue(store, tmp_path):
    with open_catalogue(store, tmp_path) as catalogue:
        yield catalogue


@pytest.fixture
def forgetting(catalogue, store):
    made = Forgetting(catalogue, store, OPTIONS, name="one", clock=lambda: 7.5)
    yield made
    made.close()


def test_people_are_erased_what_expired_is_swept_and_both_are_told_of(catalogue, store, forgetting):
    gallery = new_gallery(catalogue)
    put(gallery, "erased", identity="p1")
    put(gallery, "expired", identity="p2", expires_s=store.now_s() + 0.2)
    put(gallery, "kept", identity="p3")
    forgetting.start()
    receipt = forgetting.erasures.request(gallery.info.gallery_id, Subject(identity="p1"))
    assert forgetting.erasures.wait(receipt, PATIENCE_S).state == "final"
    until_s = time.monotonic() + PATIENCE_S
    while store.state(gallery.info.gallery_id).tracklets > 1:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert set(who(gallery)) == {"kept"}
    assert forgetting.problem() is None


def test_at_its_end_what_waits_is_in_the_audit_log(store, forgetting):
    forgetting.audit.note(Caller("somebody"), Deed("search", "lobby"))
    forgetting.close()
    ((_, entry),) = store.audit_entries(after=None, limit=10)
    assert (entry.action, entry.at_s) == ("search", 7.5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("method", "name"),
    [("trim_audit", "retention"), ("receipts", "erasures")],
)
def test_a_thread_that_dies_is_a_problem_with_a_name(
    catalogue, store, forgetting, monkeypatch, method, name
):
    new_gallery(catalogue)

    def fault(*_, **__):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(store, method, fault)
    forgetting.start()
    until_s = time.monotonic() + PATIENCE_S
    while forgetting.problem() != f"the thread for {name} has died; restart the service":
        assert time.monotonic() < until_s
        time.sleep(0.02)


def test_a_gallery_that_cannot_be_swept_now_keeps_no_other_from_it(
    catalogue, store, forgetting, monkeypatch
):
    broken, whole = new_gallery(catalogue), new_gallery(catalogue)
    for gallery in (broken, whole):
        put(gallery, "expired", expires_s=store.now_s() + 0.2)
    broken.replica.stop()
    forgetting.start()
    until_s = time.monotonic() + PATIENCE_S
    while store.state(whole.info.gallery_id).tracklets:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert forgetting.problem() is None
