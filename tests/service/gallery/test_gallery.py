import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import (
    GalleryNotFound,
    InvalidEmbedding,
    InvalidIdentifier,
    InvalidQuery,
    ModelMismatch,
    TrackletNotFound,
)
from service.gallery.filters import EVERYTHING, TrackletFilter
from service.gallery.gallery import SearchOptions
from service.gallery.records import TrackletMetadata
from service.gallery.store import GalleryModel
from tests.gallery_rows import (
    DIMENSION,
    MODEL,
    NOTHING_KNOWN,
    WITH_REAL_DISK,
    embedding_of,
    embeddings,
    held,
    nearest_by_hand,
    options,
    pairs,
    rows_by_id,
    started,
    with_service,
)


async def enroll_all(service, rows):
    for name, (embedding, metadata) in rows.items():
        await service.enroll("default", name, embedding, metadata)


@settings(WITH_REAL_DISK, max_examples=60)
@given(rows=rows_by_id, query=embeddings, asked=st.lists(options, min_size=1, max_size=6))
def test_a_search_answers_what_ten_lines_of_numpy_answer(tmp_path_factory, rows, query, asked):
    async def work(service):
        await enroll_all(service, rows)
        return [await service.search("default", query, one) for one in asked]

    for one, result in zip(asked, with_service(tmp_path_factory.mktemp("data"), work), strict=True):
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
        assert result.seq == len(rows)


@settings(WITH_REAL_DISK, max_examples=40)
@given(rows=rows_by_id.filter(bool), asked=options, chooser=st.randoms(use_true_random=False))
def test_an_enrolled_query_is_searched_as_itself_without_itself(
    tmp_path_factory, rows, asked, chooser
):
    name = chooser.choice(sorted(rows))
    embedding, metadata = rows[name]
    camera = metadata.camera or asked.query_camera

    async def work(service):
        await enroll_all(service, rows)
        return await service.search_tracklet("default", name, asked)

    result = with_service(tmp_path_factory.mktemp("data"), work)
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
            await service.enroll("default", f"t{seed}", embedding_of(seed), NOTHING_KNOWN)
        whole = pairs(await service.search("default", embedding_of(99), SearchOptions()))
        for place, (_, similarity) in enumerate(whole, start=1):
            cut = SearchOptions(min_similarity=similarity)
            assert pairs(await service.search("default", embedding_of(99), cut)) == whole[:place]
            above = SearchOptions(min_similarity=float(np.nextafter(similarity, 2)))
            found = pairs(await service.search("default", embedding_of(99), above))
            assert found == whole[: place - 1]

    with_service(tmp_path, work)


def test_a_similarity_is_the_same_alone_and_among_many_concurrent_searches(tmp_path):
    async def work(service):
        for seed in range(30):
            await service.enroll("default", f"t{seed}", embedding_of(seed), NOTHING_KNOWN)
        alone = [
            pairs(await service.search("default", embedding_of(seed), SearchOptions()))
            for seed in range(64)
        ]
        together = await asyncio.gather(
            *(service.search("default", embedding_of(seed), SearchOptions()) for seed in range(64))
        )
        assert [pairs(result) for result in together] == alone

    with_service(tmp_path, work)


def test_the_last_page_has_no_cursor_also_when_it_is_full(tmp_path):
    async def work(service):
        for name in "abcd":
            await service.enroll("default", name, embedding_of(1), NOTHING_KNOWN)
        first = await service.page("default", EVERYTHING, None, 2)
        second = await service.page("default", EVERYTHING, first.next_cursor, 2)
        assert first.next_cursor is not None
        assert second.next_cursor is None
        assert [record.tracklet_id for record in second.records] == ["c", "d"]

    with_service(tmp_path, work)


def test_the_gallery_of_another_model_is_refused_by_every_call(tmp_path):
    with_service(tmp_path, lambda s: s.enroll("default", "a", embedding_of(1), NOTHING_KNOWN))

    async def work():
        async with started(tmp_path, model=GalleryModel("e" * 64, DIMENSION)) as service:
            for call in (
                service.enroll("default", "b", embedding_of(1), NOTHING_KNOWN),
                service.get("default", "a"),
                service.delete("default", "a"),
                service.delete_identity("default", "p"),
                service.page("default", EVERYTHING, None, 9),
                service.search("default", embedding_of(1), SearchOptions()),
                service.search_tracklet("default", "a", SearchOptions()),
            ):
                with pytest.raises(ModelMismatch) as caught:
                    await call
                assert MODEL.fingerprint in caught.value.expected
                assert "e" * 64 in caught.value.received
            health = await service.health()
            assert not health.ready
            assert MODEL.fingerprint in health.reason
            assert "e" * 64 in health.reason

    asyncio.run(work())
    assert with_service(tmp_path, held) == ["a"]


@pytest.mark.parametrize(
    ("call", "error", "received"),
    [
        (lambda s: s.get("other", "a"), GalleryNotFound, "'other'"),
        (lambda s: s.get("a/b", "a"), InvalidIdentifier, "a slash or"),
        (lambda s: s.get("\ud800", "a"), InvalidIdentifier, "a slash or"),
        (lambda s: s.get("default", "\ud800"), InvalidIdentifier, "a slash or"),
        (lambda s: s.delete("default", ".."), InvalidIdentifier, "'..'"),
        (lambda s: s.delete_identity("default", ""), InvalidIdentifier, "0 characters"),
        (
            lambda s: s.enroll("default", "a/b", embedding_of(1), NOTHING_KNOWN),
            InvalidIdentifier,
            "a slash or",
        ),
        (
            lambda s: s.enroll("default", "a", embedding_of(1, 5), NOTHING_KNOWN),
            InvalidEmbedding,
            "shape [5]",
        ),
        (
            lambda s: s.search("default", np.full(DIMENSION, np.nan), SearchOptions()),
            InvalidEmbedding,
            "4 values that are not finite",
        ),
        (lambda s: s.page("default", EVERYTHING, "!!", 9), InvalidQuery, "one that no page gave"),
        (lambda s: s.page("default", EVERYTHING, None, 0), InvalidQuery, "0"),
        (
            lambda s: s.search("default", embedding_of(1), SearchOptions(exclude_same_camera=True)),
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
        await service.enroll("default", "a", embedding_of(1), NOTHING_KNOWN)
        asked = SearchOptions(exclude_same_camera=True)
        with pytest.raises(InvalidQuery, match="exclude_same_camera"):
            await service.search_tracklet("default", "a", asked)

    with_service(tmp_path, work)


def test_the_camera_of_an_enrolled_query_is_its_own_and_not_the_one_sent(tmp_path):
    async def work(service):
        for name, camera in (("a", "c0"), ("b", "c0"), ("c", "c1"), ("unknown", None)):
            known = TrackletMetadata(camera=camera)
            await service.enroll("default", name, embedding_of(1), known)
        asked = SearchOptions(exclude_same_camera=True, query_camera="c1")
        result = await service.search_tracklet("default", "a", asked)
        assert [name for name, _ in pairs(result)] == ["c", "unknown"]
        result = await service.search_tracklet("default", "unknown", asked)
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
            await service.enroll("default", f"t{seed}", embedding_of(seed), NOTHING_KNOWN)
        for group_by in ("tracklet", "identity"):
            asked = SearchOptions(top_k=10**9, group_by=group_by)
            assert len((await service.search("default", embedding_of(1), asked)).matches) == 5

    with_service(tmp_path, work)


def test_the_camera_of_the_query_and_one_more_can_be_left_out_together(tmp_path):
    async def work(service):
        for camera in range(4):
            known = TrackletMetadata(camera=f"c{camera}")
            await service.enroll("default", f"t{camera}", embedding_of(camera), known)
        asked = SearchOptions(
            exclude_same_camera=True, query_camera="c0", filter=TrackletFilter(exclude_camera="c1")
        )
        found = pairs(await service.search("default", embedding_of(9), asked))
        assert {name for name, _ in found} == {"t2", "t3"}

    with_service(tmp_path, work)
