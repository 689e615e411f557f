import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ReidError, TrackletNotFound
from service.gallery import flat_index
from service.gallery.digest import record_digest
from service.gallery.filters import EVERYTHING, TrackletFilter
from service.gallery.flat_index import FlatIndex, require_honoured_filter
from service.gallery.gallery import SearchOptions
from service.gallery.records import TrackletMetadata, check_embedding
from service.gallery.store import GalleryState
from tests.gallery_rows import (
    DIMENSION,
    embedding_of,
    embeddings,
    filters,
    nearest_by_hand,
    record_of,
    rows_by_id,
)


def index_of(rows, dimension=DIMENSION):
    index = FlatIndex(dimension, threads=1)
    for seq, (name, (embedding, metadata)) in enumerate(rows.items(), start=1):
        index.put(record_of(name, embedding, metadata, seq=seq))
    return index


def nearest(index, query, k, chosen=EVERYTHING):
    found = index.nearest(query, index.select([chosen]), k)
    return [(hit.tracklet_id, hit.similarity) for hit in found]


@given(rows_by_id, embeddings, filters, st.integers(1, 10))
def test_the_nearest_are_exact_under_every_filter_ties_included(rows, query, chosen, k):
    expected = nearest_by_hand(rows, query, SearchOptions(top_k=k, filter=chosen))
    assert nearest(index_of(rows), query, k, chosen) == expected


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 200))
def test_the_nearest_are_exact_among_many_that_are_almost_equally_near(seed, k):
    # Rows closer to each other than a float32 sum can tell, and groups of equal ones.
    random = np.random.default_rng(seed)
    near = random.normal(size=64) + random.choice([1e-7, 1e-5, 1e-3]) * random.normal(
        size=(300, 64)
    )
    near[150:] = near[150]
    rows = {
        f"t{number:03}": (check_embedding(row, 64), TrackletMetadata())
        for number, row in enumerate(random.permutation(near))
    }
    query = embedding_of(seed + 1, 64)
    expected = nearest_by_hand(rows, query, SearchOptions(top_k=k))
    assert nearest(index_of(rows, 64), query, k) == expected


def test_equal_rows_beyond_the_first_candidates_are_ranked_by_id():
    rows = {f"t{n:03}": (embedding_of(1), TrackletMetadata()) for n in reversed(range(200))}
    found = nearest(index_of(rows), embedding_of(2), 3)
    assert [name for name, _ in found] == ["t000", "t001", "t002"]


def test_a_similarity_does_not_depend_on_the_other_rows_nor_on_the_filter():
    random = np.random.default_rng(3)
    dimension, query = 257, embedding_of(4, 257)
    rows = {
        f"t{n}": (check_embedding(random.normal(size=dimension), dimension), TrackletMetadata())
        for n in range(60)
    }
    together = dict(nearest(index_of(rows, dimension), query, 60))
    for name, row in rows.items():
        alone = nearest(index_of({name: row}, dimension), query, 1)
        assert alone == [(name, together[name])]
    chosen = TrackletFilter(exclude_tracklet="t0")
    filtered = nearest(index_of(rows, dimension), query, 7, chosen)
    assert all(together[name] == similarity for name, similarity in filtered)


@given(embeddings)
def test_a_row_is_as_similar_to_itself_as_can_be(embedding):
    index = index_of({"a": (embedding, TrackletMetadata())})
    assert nearest(index, embedding, 1) == [("a", 1.0)]
    assert nearest(index, -embedding, 1) == [("a", -1.0)]


def test_nothing_is_found_among_nothing():
    index = index_of({})
    assert nearest(index, embedding_of(1), 5) == []
    index.put(record_of("a", embedding_of(1)))
    assert nearest(index, embedding_of(1), 5, TrackletFilter(identity="p")) == []


def test_a_replaced_row_is_never_found_again():
    index = index_of({"a": (embedding_of(1), TrackletMetadata(camera="c0"))})
    index.put(record_of("a", embedding_of(2), TrackletMetadata(camera="c1"), seq=2))
    assert nearest(index, embedding_of(2), 9) == [("a", 1.0)]
    assert nearest(index, embedding_of(2), 9, TrackletFilter(exclude_camera="c1")) == []
    assert index.metadata("a").camera == "c1"
    assert np.array_equal(index.embedding("a"), embedding_of(2))


def test_a_removed_row_is_unknown():
    index = index_of({"a": (embedding_of(1), TrackletMetadata())})
    index.remove(["a"], seq=2)
    assert nearest(index, embedding_of(1), 9) == []
    for read in (index.metadata, index.embedding):
        with pytest.raises(TrackletNotFound) as caught:
            read("a")
        assert caught.value.received == "'a'"
        assert caught.value.remedy == "enroll it first, or search by frames"


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), embeddings), max_size=40))
def test_any_order_of_writes_leaves_the_rows_and_the_digest_of_the_last_ones(writes):
    index, held = FlatIndex(DIMENSION, threads=1), {}
    for seq, (name, put, embedding) in enumerate(writes, start=1):
        if put:
            held[name] = record_of(name, embedding, seq=seq)
            index.put(held[name])
        elif name in held:
            del held[name]
            index.remove([name], seq=seq)
        assert index.rows <= 2 * len(held)
    again = FlatIndex(DIMENSION, threads=1)
    again.load(held.values(), seq=index.state.seq)
    assert again.state == index.state
    assert index.state.tracklets == len(held)
    query = embedding_of(1)
    rows = {name: (record.embedding, record.metadata) for name, record in held.items()}
    assert nearest(index, query, 9) == nearest_by_hand(rows, query, SearchOptions())


def test_compaction_keeps_every_living_row_as_it_was():
    rows = {
        f"t{n}": (embedding_of(n), TrackletMetadata(f"p{n % 3}", f"c{n % 2}", n, n + 1))
        for n in range(100)
    }
    index = index_of(rows)
    for number, name in enumerate(f"t{n}" for n in range(60)):
        index.remove([name], seq=101 + number)
        del rows[name]
    assert index.rows < 60
    for chosen in (EVERYTHING, TrackletFilter(identity="p1"), TrackletFilter(start_s=70, end_s=80)):
        expected = nearest_by_hand(rows, embedding_of(7), SearchOptions(top_k=50, filter=chosen))
        assert nearest(index, embedding_of(7), 50, chosen) == expected
    for name, (embedding, metadata) in rows.items():
        assert np.array_equal(index.embedding(name), embedding)
        assert index.metadata(name) == metadata


def test_the_embedding_of_a_removed_row_is_overwritten_in_memory():
    index = index_of({n: (embedding_of(1, 64), TrackletMetadata()) for n in ("a", "b")}, 64)
    before = flat_index._storage(index._faiss)[0].tobytes()
    index.remove(["a"], seq=3)
    assert before == embedding_of(1, 64).tobytes()
    assert not flat_index._storage(index._faiss)[0].any()


def test_the_state_names_seq_count_and_digest():
    index = index_of({})
    assert index.state == GalleryState(0, 0, 0)
    record = record_of("a", embedding_of(1), seq=5)
    index.put(record)
    assert index.state == GalleryState(5, 1, record_digest(record))
    index.remove(["a"], seq=6)
    assert index.state == GalleryState(6, 0, 0)


def test_a_filter_is_exact_whatever_rows_there_are():
    for count in (1, 7, 8, 9, 63, 64, 65, 129):
        rows = {f"t{n}": (embedding_of(n), TrackletMetadata(f"p{n}")) for n in range(count)}
        index = index_of(rows)
        for n in range(count):
            found = nearest(index, embedding_of(0), 9, TrackletFilter(identity=f"p{n}"))
            assert [name for name, _ in found] == [f"t{n}"]


def ignoring_filters(index, query, selected, k):
    similarities, rows = index.search(query[None], k)
    return similarities[0], rows[0]


def test_a_faiss_that_ignores_filters_is_refused_at_the_start(monkeypatch):
    require_honoured_filter()
    monkeypatch.setattr(flat_index, "_scan", ignoring_filters)
    with pytest.raises(ReidError) as caught:
        require_honoured_filter()
    assert caught.value.expected == "a FAISS build that searches only the rows of a filter"
    assert caught.value.status == 500


def test_a_row_outside_the_filter_is_never_answered(monkeypatch):
    rows = {
        "a": (embedding_of(1), TrackletMetadata("p")),
        "b": (embedding_of(2), TrackletMetadata()),
    }
    index = index_of(rows)
    monkeypatch.setattr(flat_index, "_scan", ignoring_filters)
    with pytest.raises(ReidError) as caught:
        nearest(index, embedding_of(2), 5, TrackletFilter(identity="p"))
    assert caught.value.expected == "only rows that pass the filter from FAISS"
    assert caught.value.received == "1 others of 1"


def test_the_thread_count_is_the_one_asked_for():
    before = faiss.omp_get_max_threads()
    FlatIndex(DIMENSION, threads=2)
    assert faiss.omp_get_max_threads() == 2
    FlatIndex(DIMENSION, threads=1)
    assert faiss.omp_get_max_threads() == 1
    faiss.omp_set_num_threads(before)
