import sqlite3
import threading
import time
from contextlib import contextmanager

import pytest

from service.gallery.gallery_errors import OutcomeUnknown, SeqConflict, StoreUnavailable
from service.gallery.stores.sqlite_connections import Connections
from service.gallery.stores.sqlite_grouped_writes import GroupedWrites

ADD = "INSERT INTO audit (at_s, entry) VALUES (1.0, ?)"


class Interrupted(BaseException):
    """As a KeyboardInterrupt in the thread that writes for all."""


class Counting(Connections):
    """Counts transactions, and makes one of them fail where asked to."""

    transactions = 0
    error = None

    @contextmanager
    def writing(self):
        self.transactions += 1
        with super().writing() as database:
            yield database
            if self.error is not None:
                error, self.error = self.error, None
                raise error


@pytest.fixture
def connections(tmp_path):
    connections = Counting(tmp_path / "gallery.sqlite3", now_s=5.0)
    yield connections
    connections.close()


@pytest.fixture
def writes(connections):
    return GroupedWrites(connections)


def entries(connections):
    with connections.reading() as database:
        return [entry for (entry,) in database.execute("SELECT entry FROM audit ORDER BY entry")]


def adding(entry):
    def work(database):
        database.execute(ADD, (entry,))
        return f"wrote {entry}"

    return work


def together(writes, works, *, changes=1):
    """Run the works so that all but the first wait for it, and return what became of each."""
    came, waiting, results = threading.Event(), threading.Event(), [None] * len(works)

    def first(database):
        came.set()
        waiting.wait(30)
        return works[0](database)

    def run(number, work):
        try:
            results[number] = writes.run(work, changes=changes)
        except (Exception, Interrupted) as error:  # noqa: BLE001 asserted by the test
            results[number] = error

    threads = [threading.Thread(target=run, args=(0, first))]
    threads[0].start()
    assert came.wait(30)
    for number, work in enumerate(works[1:], start=1):
        threads.append(threading.Thread(target=run, args=(number, work)))
        threads[-1].start()
        deadline_s = time.monotonic() + 30
        while len(writes._queue) < number and time.monotonic() < deadline_s:
            time.sleep(0.001)
    waiting.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


def test_a_write_alone_is_made_and_answered(connections, writes):
    assert writes.run(adding("a")) == "wrote a"
    assert entries(connections) == ["a"]
    assert connections.transactions == 1


def test_those_that_wait_are_made_in_one_transaction_and_each_is_answered(connections, writes):
    results = together(writes, [adding(name) for name in "abcdef"])
    assert results == [f"wrote {name}" for name in "abcdef"]
    assert entries(connections) == list("abcdef")
    assert connections.transactions == 2


def test_a_group_is_closed_once_it_has_enough_changes(connections, writes):
    results = together(writes, [adding(name) for name in "abcde"], changes=128)
    assert results == [f"wrote {name}" for name in "abcde"]
    assert connections.transactions == 3


def test_one_that_is_refused_takes_back_its_own_and_no_other(connections, writes):
    def refused(database):
        database.execute(ADD, ("never",))
        raise SeqConflict({"t": 1})

    results = together(writes, [adding("a"), adding("b"), refused, adding("c")])
    assert isinstance(results[2], SeqConflict)
    assert [results[0], results[1], results[3]] == ["wrote a", "wrote b", "wrote c"]
    assert entries(connections) == ["a", "b", "c"]
    with pytest.raises(SeqConflict):
        writes.run(refused)
    assert entries(connections) == ["a", "b", "c"]


def test_where_the_database_fails_one_the_others_are_made_without_it(connections, writes):
    def failing(database):
        database.execute(ADD, ("never",))
        raise sqlite3.OperationalError("no")

    results = together(writes, [adding("a"), adding("b"), failing, adding("c")])
    assert isinstance(results[2], StoreUnavailable)
    assert results[2].received == "OperationalError: no"
    assert [results[0], results[1], results[3]] == ["wrote a", "wrote b", "wrote c"]
    assert entries(connections) == ["a", "b", "c"]


def test_when_it_is_unknown_whether_a_group_was_written_nothing_of_it_is_repeated(
    connections, writes
):
    unknown = OutcomeUnknown(expected="a", received="b", remedy="c")

    def then_fail(database):
        connections.error = unknown
        return adding("b")(database)

    results = together(writes, [adding("a"), then_fail, adding("c")])
    assert results == ["wrote a", unknown, unknown]
    assert entries(connections) == ["a"]
    assert connections.transactions == 2


def test_when_a_leader_is_interrupted_those_it_took_along_are_still_made(connections, writes):
    def interrupted(database):
        database.execute(ADD, ("never",))
        raise Interrupted

    results = together(writes, [adding("a"), interrupted, adding("b"), adding("c")])
    assert isinstance(results[1], Interrupted)
    assert [results[0], results[2], results[3]] == ["wrote a", "wrote b", "wrote c"]
    assert entries(connections) == ["a", "b", "c"]


def test_many_threads_lose_and_repeat_nothing(connections, writes):
    names = [f"{writer}-{number}" for writer in range(8) for number in range(25)]

    def run(writer):
        for number in range(25):
            assert writes.run(adding(f"{writer}-{number}")) == f"wrote {writer}-{number}"

    threads = [threading.Thread(target=run, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert entries(connections) == sorted(names)
