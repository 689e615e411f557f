"""Many tasks on one gallery, and callers that give up in the middle."""

import asyncio
import random
import threading

import pytest

from service.gallery.ranking.search import SearchOptions
from service.gallery.records import TrackletMetadata
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_rows import (
    NOTHING_KNOWN,
    delete,
    embedding_of,
    enroll,
    held,
    nearest_by_hand,
    page,
    pairs,
    search,
    with_service,
)


def test_what_stays_for_the_whole_scroll_is_listed_exactly_once(tmp_path):
    async def work(service):
        chooser = random.Random(5)
        for number in range(60):
            await enroll(service, f"stay{number:02}", embedding_of(1))

        async def disturb():
            while True:
                number = chooser.randrange(60)
                await enroll(service, f"stay{number:02}", embedding_of(2))
                passing = f"{chooser.choice(['a', 'stay', 'z'])}{chooser.randrange(999)}x"
                await enroll(service, passing, embedding_of(3))
                if chooser.random() < 0.5:
                    await delete(service, passing)

        disturbing = asyncio.create_task(disturb())
        names, cursor = [], None
        while True:
            listed = await page(service, cursor=cursor, limit=3)
            names += [record.tracklet_id for record in listed.records]
            cursor = listed.next_cursor
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
                await enroll(
                    service, name, embedding_of(version), TrackletMetadata(camera=f"c{version}")
                )
                if chooser.random() < 0.5:
                    await delete(service, name)
                    gone.add(name)

        async def read(task):
            for _ in range(25):
                deleted_before = set(gone)
                query = embedding_of(task % 5)
                result = await search(service, query, SearchOptions(top_k=50))
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
            await enroll(service, f"t{number}", embedding_of(number))
        tasks = [
            asyncio.create_task(
                enroll(service, f"n{number}", embedding_of(number))
                if number % 2
                else delete(service, f"t{number // 2}")
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
        found = pairs(await search(service, embedding_of(0), asked))
        assert {name for name, _ in found} == names
        return names, (await service.health()).seq

    names, seq = with_service(tmp_path, work)

    async def again(service):
        health = await service.health()
        return set(await held(service)), health.seq, health.ready

    assert with_service(tmp_path, again) == (names, seq, True)


def test_an_enrolment_cancelled_in_the_middle_is_finished(tmp_path, monkeypatch):
    begun, gate = threading.Event(), threading.Event()
    original = SqliteGalleryStore.write

    def slow(store, gallery_id, batch):
        begun.set()
        assert gate.wait(10)
        return original(store, gallery_id, batch)

    async def work(service):
        monkeypatch.setattr(SqliteGalleryStore, "write", slow)
        task = asyncio.create_task(enroll(service, "a", embedding_of(1)))
        assert await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        await enroll(service, "b", embedding_of(2))
        await service.read("default", lambda gallery: gallery.head_view())
        assert sorted(await held(service)) == ["a", "b"]

    with_service(tmp_path, work)
