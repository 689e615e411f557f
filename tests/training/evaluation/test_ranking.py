import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.ranking import (
    RankedTracklet,
    average_precision,
    evaluate_retrieval,
)


def ranked(name, identity, camera, *embedding):
    vector = np.asarray(embedding, dtype=float)
    return RankedTracklet(name, identity, camera, vector / np.linalg.norm(vector))


def reference(queries, gallery):
    """Ten lines: rank, drop what does not count, walk down the list."""
    firsts, precisions, dropped = [], [], []
    for q in queries:
        others = [g for g in gallery if g.identity != -1 and g.name != q.name]
        rest = [
            g for g in others if g.identity != q.identity or g.camera != q.camera or not q.camera
        ]
        rest.sort(key=lambda g: -float(g.embedding @ q.embedding))
        hits = [g.identity == q.identity for g in rest]
        if not any(hits) or q.identity <= 0:
            dropped.append(q.name)
            continue
        firsts.append(hits.index(True))
        precisions.append(
            np.mean([sum(hits[: r + 1]) / (r + 1) for r, hit in enumerate(hits) if hit])
        )
    return firsts, precisions, dropped


# Embeddings on a coarse grid, so that ties are common.
tracklet = st.tuples(
    st.sampled_from([-1, 0, 1, 2, 3]),
    st.sampled_from([1, 2, 3, None]),
    st.tuples(*[st.integers(-2, 2)] * 3).filter(any),
)


@given(st.lists(tracklet, min_size=1, max_size=12))
def test_it_equals_the_ten_line_reference(rows):
    # Whole numbers, so that a tie is a tie in every order of summation.
    tracklets = [
        RankedTracklet(f"t{i}", identity, camera, np.asarray(embedding, dtype=float))
        for i, (identity, camera, embedding) in enumerate(rows)
    ]
    queries = tracklets
    firsts, precisions, dropped = reference(queries, tracklets)
    if not firsts:
        with pytest.raises(ValueError, match="expected a query with a match from another camera"):
            evaluate_retrieval(queries, tracklets)
        return
    result = evaluate_retrieval(queries, tracklets)
    assert result.valid_queries == len(firsts)
    assert [query.name for query in result.dropped] == dropped
    assert result.mean_average_precision == pytest.approx(np.mean(precisions))
    for k, value in result.cmc.items():
        assert value == pytest.approx(np.mean([first < k for first in firsts]))


def test_three_queries_worked_by_hand():
    gallery = [
        ranked("same camera", 1, 1, 1.0, 0.0),
        ranked("junk", -1, 2, 1.0, 0.0),
        ranked("distractor", 0, 2, 0.9, 0.1),
        ranked("right", 1, 2, 0.8, 0.3),
        ranked("other", 2, 2, 0.0, 1.0),
        ranked("right again", 1, 3, -1.0, 0.0),
    ]
    queries = [
        ranked("q1", 1, 1, 1.0, 0.0),  # distractor, right, other, right again: (1/2 + 2/4) / 2
        ranked("q2", 2, 1, 0.0, 1.0),  # other first: 1
        ranked("q3", 3, 1, 0.0, 1.0),  # nobody
    ]
    result = evaluate_retrieval(queries, gallery)
    assert result.mean_average_precision == pytest.approx((0.5 + 1.0) / 2)
    assert result.cmc == {1: 0.5, 5: 1.0, 10: 1.0, 20: 1.0}
    assert result.gallery == 5
    assert [(d.name, d.reason) for d in result.dropped] == [
        ("q3", "the gallery has no other tracklet of its identity")
    ]


def test_a_query_seen_by_one_camera_says_so():
    tracklets = [ranked("a", 1, 1, 1, 0), ranked("b", 1, 1, 1, 0), ranked("c", 1, 2, 0, 1)]
    result = evaluate_retrieval(tracklets[:2], tracklets)
    assert result.dropped == ()
    with pytest.raises(ValueError, match="only from its own camera"):
        evaluate_retrieval(tracklets[:1], tracklets[:2])


def test_ties_keep_gallery_order():
    gallery = [ranked("wrong", 2, 2, 1, 0), ranked("right", 1, 2, 1, 0)]
    query = [ranked("q", 1, 1, 1, 0)]
    assert evaluate_retrieval(query, gallery).cmc[1] == 0
    assert evaluate_retrieval(query, gallery[::-1]).cmc[1] == 1


def test_an_unknown_camera_leaves_nothing_out():
    gallery = [ranked("right", 1, None, 1, 0)]
    assert evaluate_retrieval([ranked("q", 1, None, 1, 0)], gallery).cmc[1] == 1


def test_a_repeated_name_is_refused():
    twice = [ranked("a", 1, 1, 1, 0), ranked("a", 1, 2, 1, 0)]
    with pytest.raises(ValueError, match="expected every gallery name once"):
        evaluate_retrieval(twice, twice)


def test_embeddings_of_two_models_are_refused():
    with pytest.raises(ValueError, match="expected embeddings of shape .* embed all with one"):
        evaluate_retrieval([ranked("q", 1, 1, 1, 0, 0)], [ranked("g", 1, 2, 1, 0)])


def test_an_empty_gallery_is_refused():
    with pytest.raises(ValueError, match="expected a gallery of tracklets, received none"):
        evaluate_retrieval([ranked("q", 1, 1, 1, 0)], [])


def test_average_precision_of_a_perfect_and_of_a_late_list():
    assert average_precision(np.array([True, True, False])) == 1
    assert average_precision(np.array([False, False, True])) == pytest.approx(1 / 3)


def test_junk_and_distractors_ask_nothing():
    """Two distractors are two people; taken for one, they would be each other's right answer."""
    nobody = [ranked("a", 0, 1, 1, 0), ranked("b", 0, 2, 1, 0), ranked("c", -1, 2, 1, 0)]
    somebody = [ranked("d", 1, 1, 0, 1), ranked("e", 1, 2, 0, 1)]
    result = evaluate_retrieval(nobody + somebody, nobody + somebody)
    assert result.valid_queries == 2
    assert {query.name: query.reason for query in result.dropped} == dict.fromkeys(
        "abc", "junk and distractors ask about nobody"
    )


def test_embeddings_that_are_not_finite_are_refused():
    broken = [RankedTracklet("a", 1, 1, np.array([np.nan, 0])), ranked("b", 1, 2, 1, 0)]
    with pytest.raises(ValueError, match="expected finite embeddings, received NaN or infinity"):
        evaluate_retrieval(broken, broken)


def test_embeddings_of_a_gallery_have_one_dimension():
    mixed = [ranked("a", 1, 1, 1, 0), ranked("b", 1, 2, 1, 0, 0)]
    with pytest.raises(ValueError, match="expected embeddings of shape"):
        evaluate_retrieval(mixed[:1], mixed)


def test_a_lonely_query_does_not_count_itself():
    alone = [ranked("a", 1, 1, 1, 0), ranked("b", 2, 1, 1, 0), ranked("c", 2, 2, 1, 0)]
    result = evaluate_retrieval(alone, alone)
    assert result.dropped[0].reason == "the gallery has no other tracklet of its identity"
