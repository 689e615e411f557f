import numpy as np
import pytest

from tests.embedding_tables import people_table, row, table
from training.evaluation.query_expansion import augment_gallery, expand_queries
from training.evaluation.ranking import evaluate_retrieval

PEOPLE = people_table(1, identities=20, tracklets=6, spread=1.0)


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_it_equals_a_loop_over_sorted_neighbours(alpha):
    expanded = expand_queries(PEOPLE, PEOPLE, neighbours=3, alpha=alpha)
    e = PEOPLE.embeddings.astype(np.float64)
    for query in range(len(e)):
        scores = e @ e[query]
        order = [g for g in np.argsort(-scores, kind="stable") if g != query][:3]
        total = e[query] + sum(max(scores[g], 0) ** alpha * e[g] for g in order)
        np.testing.assert_allclose(
            expanded.embeddings[query], total / np.linalg.norm(total), atol=1e-6
        )
    assert expanded.names.tolist() == PEOPLE.names.tolist()


def test_neither_itself_nor_junk_is_a_neighbour():
    query = table(row("q", 1, 1, 1, 0))
    gallery = table(row("q", 1, 1, 1, 0), row("junk", -1, 1, 1, 0), row("near", 2, 1, 0, 1))
    expanded = expand_queries(query, gallery, neighbours=1)
    np.testing.assert_allclose(expanded.embeddings, [[0.5**0.5, 0.5**0.5]], atol=1e-6)


def test_expanded_queries_and_an_augmented_gallery_find_more():
    plain = evaluate_retrieval(PEOPLE, PEOPLE).mean_average_precision
    expanded = expand_queries(PEOPLE, PEOPLE, neighbours=3, alpha=1.0)
    once = evaluate_retrieval(expanded, PEOPLE).mean_average_precision
    augmented = augment_gallery(PEOPLE, neighbours=3, alpha=1.0)
    both = evaluate_retrieval(augmented, augmented).mean_average_precision
    assert plain < once < both


def test_impossible_numbers_and_queries_that_vanish_are_refused():
    with pytest.raises(ValueError, match="expected at least 1 neighbour and an alpha of 0 or more"):
        expand_queries(PEOPLE, PEOPLE, neighbours=0)
    with pytest.raises(ValueError, match="received a sum of 0 for 'q'; weigh by similarity"):
        expand_queries(table(row("q", 1, 1, 1, 0)), table(row("g", 1, 2, -1, 0)), neighbours=1)
