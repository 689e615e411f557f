import signal
import threading

import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.redis_whole_file import WholeFile
from tests.gallery_stores import SPEC, held, upsert, write
from tests.redis_galleries import opened_store


@pytest.fixture
def ask(server):
    """Sends one command to the server, on a connection of its own."""
    with server.client() as client:

        def one(*words):
            if words[0] == b"INFO":
                # redis-py would hand on what it has parsed.
                return client.eval("return redis.call('INFO', ARGV[1])", 0, words[1])
            return client.execute_command(*words)

        yield one


def rewrites(server):
    with server.client() as client:
        return client.info("persistence")["aof_rewrites"]


def test_the_file_is_written_anew_once_after_each_start(server):
    with opened_store(server) as store:
        gallery = store.create_gallery("g", SPEC).gallery_id
        for start in range(3):
            write(store, gallery, upsert("a", start))
            write(store, gallery, upsert("b", start))
            assert rewrites(server) == 1
            server.restart()
            assert rewrites(server) == 0
            assert set(held(store, gallery)) == {"a", "b"}, "reads do not wait for it"
            assert rewrites(server) == 0


def test_one_that_was_written_since_the_start_need_not_be_written_again(server, ask):
    file = WholeFile(5.0)
    file.require(ask)
    file.require(ask)
    WholeFile(5.0).require(ask)
    assert rewrites(server) == 1


def test_several_that_ask_at_once_have_it_written_once(server):
    errors = []

    def open_it():
        try:
            with opened_store(server) as store:
                store.check()
        except StoreUnavailable as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert 1 <= rewrites(server) <= 6


def hold_the_rewrite(server):
    """Let a rewrite begin and not end."""
    with server.client() as client:
        client.set("a", 1)
        client.config_set("rdb-key-save-delay", 5_000_000)
        client.bgrewriteaof()
    server.signal_children(signal.SIGSTOP)


def test_a_start_has_more_patience_than_a_write(server, ask):
    with server.client() as client:
        client.set("a", 1)
        client.config_set("rdb-key-save-delay", 1_500_000)
        client.bgrewriteaof()
    with pytest.raises(StoreUnavailable, match="one that is still writing it"):
        WholeFile(0.3).require(ask)
    with opened_store(server, timeout_s=0.3) as store:
        assert rewrites(server) == 1
        assert store.galleries() == ()


def test_a_write_is_refused_while_it_is_still_being_written(server):
    with opened_store(server, timeout_s=0.3) as store:
        gallery = store.create_gallery("g", SPEC).gallery_id
        server.restart()
        hold_the_rewrite(server)
        with pytest.raises(StoreUnavailable) as caught:
            write(store, gallery, upsert("a"))
    assert str(caught.value) == (
        "expected Redis to write its append-only file anew after its start, received one that is "
        "still writing it; repeat the request; where this goes on, make room on the disk of Redis"
    )
    assert caught.value.retry_after_s == 5
    server.signal_children(signal.SIGKILL)


def test_one_that_fails_is_an_error_and_is_tried_again_at_the_next_write(server):
    folder = server.append_only_directory
    hold_the_rewrite(server)
    server.signal_children(signal.SIGKILL)
    with server.client() as client:
        client.config_set("rdb-key-save-delay", 0)
        while client.info("persistence")["aof_rewrite_in_progress"]:
            pass
        assert client.info("persistence")["aof_last_bgrewrite_status"] == "err"
    hidden = folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in the way of the folder that Redis would make")
    with (
        pytest.raises(StoreUnavailable, match="Can't execute an AOF background rewriting"),
        opened_store(server),
    ):
        pass
    folder.unlink()
    hidden.rename(folder)
    with opened_store(server) as store:
        assert store.galleries() == ()


def test_a_failure_on_the_way_is_told(server, ask):
    with server.client() as client:
        for number in range(100):
            client.set(f"delay{number}", 1)
        client.config_set("rdb-key-save-delay", 100_000)

    def killed(*words):
        answer = ask(*words)
        if words == (b"BGREWRITEAOF",):
            server.signal_children(signal.SIGKILL)
        return answer

    with pytest.raises(StoreUnavailable) as caught:
        WholeFile(20.0).require(killed)
    assert "anew after its start, received a failure, which its log explains;" in str(caught.value)
