import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidEmbedding, InvalidIdentifier, InvalidQuery
from service.gallery.deletion import delete_chosen, delete_identity
from service.gallery.enrolment import BatchRequest, Enrolment
from service.gallery.filter_tree import EVERYTHING, Equals, Not
from service.gallery.gallery_errors import GalleryNotFound, ModelMismatch, TrackletNotFound
from service.gallery.ranking.search import SearchOptions
from service.gallery.records import TrackletMetadata
from service.gallery.stores.protocol import GalleryModel
from tests.gallery_rows import (
    DIMENSION,
    MODEL,
    delete,
    embedding_of,
    embeddings,
    enroll,
    held,
    kept,
    nearest_by_hand,
    options,
    page,
    pairs,
    rows_by_id,
    search,
    service_in,
    started,
    with_service,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Does work on one service, whose gallery is empty each time, for tests of many examples."""
    with asyncio.Runner() as runner:
        service = service_in(tmp_path_factory.mktemp("data"))
        runner.run(service.start())

        async def emptied(work):
            await service.write("default", lambda held: delete_chosen(held, EVERYTHING))
            return await work(service)

        yield lambda work: runner.run(emptied(work))
        runner.run(service.close())


async def enroll_all(service, rows):
    upserts = [Enrolment(name, *row) for name, row in rows.items()]
    if upserts:
        await service.write_batch("default", BatchRequest(tuple(upserts), ()))


@settings(max_examples=60)
@given(rows=rows_by_id, query=embeddings, asked=st.lists(options, min_size=1, max_size=6))
def test_a_search_answers_what_ten_lines_of_numpy_answer(shared, rows, query, asked):
    async def work(service):
        await enroll_all(service, rows)
        seq = (await service.health()).seq
        return seq, [await search(service, query, one) for one in asked]

    seq, results = shared(work)
    for one, result in zip(asked, results, strict=True):
        assert pairs(result) == nearest_by_hand(rows, query, one)
        assert [match.rank for match in result.matches] == list(range(1, len(result.matches) + 1))
        for match in result.matches:
            assert match.metadata == rows[match.tracklet_id][1]
        everyone = SearchOptions(
            top_k=99,
            filter=one.filter,
            exclude_same_camera=one.exclude_same_camera,
            query_camera=one.query_camera,
        )
        assert result.searched == len(nearest_by_hand(rows, query, everyone))
        assert result.seq == seq


@settings(max_examples=40)
@given(rows=rows_by_id.filter(bool), asked=options, chooser=st.randoms(use_true_random=False))
def test_an_enrolled_query_is_searched_as_itself_without_itself(shared, rows, asked, chooser):
    name = chooser.choice(sorted(rows))
    embedding, metadata = rows[name]
    camera = metadata.camera or asked.query_camera

    async def work(service):
        await enroll_all(service, rows)
        return (await service.search_tracklet("default", name, asked)).value

    result = shared(work)
    # The query is what the gallery holds of it.
    embedding = kept(embedding)
    others = {other: row for other, row in rows.items() if other != name}
    known = SearchOptions(
        top_k=asked.top_k,
        exclude_same_camera=asked.exclude_same_camera,
        query_camera=camera,
        filter=asked.filter,
        group_by=asked.group_by,
        min_similarity=asked.min_similarity,
    )
    assert pairs(result) == nearest_by_hand(others, embedding, known)


def test_the_least_similarity_is_included_to_the_last_bit(tmp_path):
    async def work(service):
        for seed in range(9):
            await enroll(service, f"t{seed}", embedding_of(seed))
        whole = pairs(await search(service, embedding_of(99), SearchOptions()))
        for place, (_, similarity) in enumerate(whole, start=1):
            cut = SearchOptions(min_similarity=similarity)
            assert pairs(await search(service, embedding_of(99), cut)) == whole[:place]
            above = SearchOptions(min_similarity=float(np.nextafter(similarity, 2)))
            found = pairs(await search(service, embedding_of(99), above))
            assert found == whole[: place - 1]

    with_service(tmp_path, work)


def test_a_similarity_is_the_same_alone_and_among_many_concurrent_searches(tmp_path):
    async def work(service):
        for seed in range(30):
            await enroll(service, f"t{seed}", embedding_of(seed))
        alone = [
            pairs(await search(service, embedding_of(seed), SearchOptions())) for seed in range(64)
        ]
        together = await asyncio.gather(
            *(search(service, embedding_of(seed), SearchOptions()) for seed in range(64))
        )
        assert [pairs(result) for result in together] == alone

    with_service(tmp_path, work)


def test_the_last_page_has_no_cursor_also_when_it_is_full(tmp_path):
    async def work(service):
        for name in "abcd":
            await enroll(service, name, embedding_of(1))
        first = await page(service, limit=2)
        second = await page(service, cursor=first.next_cursor, limit=2)
        assert first.next_cursor is not None
        assert second.next_cursor is None
        assert [record.tracklet_id for record in second.records] == ["c", "d"]

    with_service(tmp_path, work)


def test_another_model_cannot_enroll_or_search_and_can_read_and_forget(tmp_path):
    with_service(tmp_path, lambda s: enroll(s, "a", embedding_of(1), TrackletMetadata("p")))

    async def work():
        async with started(tmp_path, model=GalleryModel("e" * 64, DIMENSION)) as service:
            for call in (
                enroll(service, "b", embedding_of(1)),
                search(service, embedding_of(1)),
                service.search_tracklet("default", "a", SearchOptions()),
                service.open("default", of_this_model=True),
            ):
                with pytest.raises(ModelMismatch) as caught:
                    await call
                assert MODEL.fingerprint in caught.value.expected
                assert "e" * 64 in caught.value.received
            assert (await service.health()).ready
            assert await held(service) == ["a"]
            assert (await service.get("default", "a")).value.metadata.identity == "p"
            await service.write("default", lambda held: delete_identity(held, "p"))

    asyncio.run(work())
    assert with_service(tmp_path, held) == []


def test_requests_of_a_model_that_was_replaced_do_not_write_under_the_name_of_the_new_one(tmp_path):
    async def work():
        async with started(tmp_path) as service:
            other = service.of_model(GalleryModel("e" * 64, DIMENSION))
            await enroll(service, "a", embedding_of(1))
            with pytest.raises(ModelMismatch):
                await enroll(other, "b", embedding_of(1))
            assert service.model == MODEL
            assert await held(other) == ["a"]

    asyncio.run(work())


@pytest.mark.parametrize(
    ("call", "error", "received"),
    [
        (lambda s: s.get("other", "a"), GalleryNotFound, "'other'"),
        (lambda s: s.get("a/b", "a"), InvalidIdentifier, "a slash or"),
        (lambda s: s.get("\ud800", "a"), InvalidIdentifier, "a slash or"),
        (lambda s: s.get("default", "\ud800"), InvalidIdentifier, "a slash or"),
        (lambda s: delete(s, ".."), InvalidIdentifier, "'..'"),
        (
            lambda s: s.write("default", lambda held: delete_identity(held, "")),
            InvalidIdentifier,
            "0 characters",
        ),
        (lambda s: enroll(s, "a/b", embedding_of(1)), InvalidIdentifier, "a slash or"),
        (lambda s: enroll(s, "a", embedding_of(1, 5)), InvalidEmbedding, "shape [5]"),
        (
            lambda s: search(s, np.full(DIMENSION, np.nan)),
            InvalidEmbedding,
            "4 values that are not finite",
        ),
        (lambda s: page(s, cursor="!!"), InvalidQuery, "one that no page of it gave"),
        (lambda s: page(s, limit=0), InvalidQuery, "0"),
        (
            lambda s: search(s, embedding_of(1), SearchOptions(exclude_same_camera=True)),
            InvalidQuery,
            "a query whose camera is not known",
        ),
        (lambda s: s.search_tracklet("default", "a", SearchOptions()), TrackletNotFound, "'a'"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(tmp_path, call, error, received):
    async def work(service):
        with pytest.raises(error) as caught:
            await call(service)
        assert caught.value.received.startswith(received)
        assert (await service.health()).seq == 0

    with_service(tmp_path, work)


def test_an_enrolled_query_without_a_camera_cannot_leave_it_out(tmp_path):
    async def work(service):
        await enroll(service, "a", embedding_of(1))
        asked = SearchOptions(exclude_same_camera=True)
        with pytest.raises(InvalidQuery, match="exclude_same_camera"):
            await service.search_tracklet("default", "a", asked)

    with_service(tmp_path, work)


def test_the_camera_of_an_enrolled_query_is_its_own_and_not_the_one_sent(tmp_path):
    async def work(service):
        for name, camera in (("a", "c0"), ("b", "c0"), ("c", "c1"), ("unknown", None)):
            known = TrackletMetadata(camera=camera)
            await enroll(service, name, embedding_of(1), known)
        asked = SearchOptions(exclude_same_camera=True, query_camera="c1")
        result = (await service.search_tracklet("default", "a", asked)).value
        assert [name for name, _ in pairs(result)] == ["c", "unknown"]
        result = (await service.search_tracklet("default", "unknown", asked)).value
        assert [name for name, _ in pairs(result)] == ["a", "b"]

    with_service(tmp_path, work)


@pytest.mark.parametrize("top_k", [0, -1])
def test_at_least_one_match_is_asked_for(top_k):
    with pytest.raises(InvalidQuery) as caught:
        SearchOptions(top_k=top_k)
    assert caught.value.expected == "`top_k` of at least 1"
    assert caught.value.received == str(top_k)


def test_a_thousand_million_matches_are_all_there_are(tmp_path):
    async def work(service):
        for seed in range(5):
            await enroll(service, f"t{seed}", embedding_of(seed))
        for group_by in ("tracklet", "identity"):
            asked = SearchOptions(top_k=10**9, group_by=group_by)
            assert len((await search(service, embedding_of(1), asked)).matches) == 5

    with_service(tmp_path, work)


def test_the_camera_of_the_query_and_one_more_can_be_left_out_together(tmp_path):
    async def work(service):
        for camera in range(4):
            known = TrackletMetadata(camera=f"c{camera}")
            await enroll(service, f"t{camera}", embedding_of(camera), known)
        asked = SearchOptions(
            exclude_same_camera=True, query_camera="c0", filter=Not(Equals("camera", ("c1",)))
        )
        found = pairs(await search(service, embedding_of(9), asked))
        assert {name for name, _ in found} == {"t2", "t3"}

    with_service(tmp_path, work)


def test_health_does_not_ask_the_store_for_a_gallery_that_is_gone(tmp_path, monkeypatch):
    async def work(service):
        await service.manage(lambda catalogue: catalogue.drop("default"))
        asked = []
        monkeypatch.setattr(service.catalogue, "refresh", lambda: asked.append("the store"))
        assert (await service.health()).ready
        assert asked == []

    with_service(tmp_path, work)
