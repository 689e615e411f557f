"""Many tasks on one gallery, and callers that give up in the middle."""

import asyncio
import random
import threading

import pytest

from service.gallery.filters import EVERYTHING
from service.gallery.flat_index import FlatIndex
from service.gallery.gallery import SearchOptions
from service.gallery.records import TrackletMetadata
from tests.gallery_rows import (
    NOTHING_KNOWN,
    embedding_of,
    held,
    nearest_by_hand,
    pairs,
    with_service,
)


def test_what_stays_for_the_whole_scroll_is_listed_exactly_once(tmp_path):
    async def work(service):
        chooser = random.Random(5)
        for number in range(60):
            await service.enroll("default", f"stay{number:02}", embedding_of(1), NOTHING_KNOWN)

        async def disturb():
            while True:
                number = chooser.randrange(60)
                await service.enroll("default", f"stay{number:02}", embedding_of(2), NOTHING_KNOWN)
                passing = f"{chooser.choice(['a', 'stay', 'z'])}{chooser.randrange(999)}x"
                await service.enroll("default", passing, embedding_of(3), NOTHING_KNOWN)
                if chooser.random() < 0.5:
                    await service.delete("default", passing)

        disturbing = asyncio.create_task(disturb())
        names, cursor = [], None
        while True:
            page = await service.page("default", EVERYTHING, cursor, 3)
            names += [record.tracklet_id for record in page.records]
            cursor = page.next_cursor
            if cursor is None:
                break
            await asyncio.sleep(0.005)
        assert not disturbing.done()
        disturbing.cancel()
        stayed = [name for name in names if not name.endswith("x")]
        assert stayed == [f"stay{number:02}" for number in range(60)]
        assert len(set(names)) == len(names)
        assert len(names) > 60

    with_service(tmp_path, work)


def test_many_tasks_at_once_never_see_a_deleted_or_mixed_row(tmp_path):
    # Camera and embedding of a row both name its version: a mixed hit would show.
    async def work(service):
        gone = set()

        async def write(task):
            chooser = random.Random(task)
            for turn in range(12):
                name = f"t{task}-{turn % 4}"
                version = chooser.randrange(5)
                gone.discard(name)
                await service.enroll(
                    "default", name, embedding_of(version), TrackletMetadata(camera=f"c{version}")
                )
                if chooser.random() < 0.5:
                    await service.delete("default", name)
                    gone.add(name)

        async def read(task):
            for _ in range(25):
                deleted_before = set(gone)
                query = embedding_of(task % 5)
                result = await service.search("default", query, SearchOptions(top_k=50))
                names = {match.tracklet_id for match in result.matches}
                assert not names & deleted_before & gone
                for match in result.matches:
                    version = int(match.metadata.camera[1:])
                    expected = nearest_by_hand(
                        {"x": (embedding_of(version), NOTHING_KNOWN)}, query, SearchOptions()
                    )
                    assert match.similarity == expected[0][1]
                await asyncio.sleep(0)

        await asyncio.gather(*map(write, range(6)), *map(read, range(6)))
        assert (await service.health()).ready
        assert not set(await held(service)) & gone

    with_service(tmp_path, work)


@pytest.mark.parametrize("seed", range(3))
def test_cancelled_writes_leave_index_and_store_equal(tmp_path, seed):
    async def work(service):
        chooser = random.Random(seed)
        for number in range(15):
            await service.enroll("default", f"t{number}", embedding_of(number), NOTHING_KNOWN)
        tasks = [
            asyncio.create_task(
                service.enroll("default", f"n{number}", embedding_of(number), NOTHING_KNOWN)
                if number % 2
                else service.delete("default", f"t{number // 2}")
            )
            for number in range(30)
        ]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(chooser.random() * 0.01)
            chooser.choice(tasks).cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert any(isinstance(result, asyncio.CancelledError) for result in results)
        names = set(await held(service))
        for number, result in enumerate(results):
            if not isinstance(result, BaseException):
                assert (f"n{number}" in names) if number % 2 else (f"t{number // 2}" not in names)
        asked = SearchOptions(top_k=99)
        found = pairs(await service.search("default", embedding_of(0), asked))
        assert {name for name, _ in found} == names
        return names, (await service.health()).seq

    names, seq = with_service(tmp_path, work)

    async def again(service):
        health = await service.health()
        return set(await held(service)), health.seq, health.ready

    assert with_service(tmp_path, again) == (names, seq, True)


def test_an_enrolment_cancelled_in_the_middle_is_finished(tmp_path, monkeypatch):
    committed, gate = threading.Event(), threading.Event()
    original = FlatIndex.put

    def slow(index, record):
        committed.set()
        assert gate.wait(10)
        original(index, record)

    async def work(service):
        monkeypatch.setattr(FlatIndex, "put", slow)
        task = asyncio.create_task(service.enroll("default", "a", embedding_of(1), NOTHING_KNOWN))
        assert await asyncio.to_thread(committed.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        result = await service.search("default", embedding_of(1), SearchOptions())
        assert pairs(result) == [("a", 1.0)]
        assert (await service.health()).ready

    with_service(tmp_path, work)
