import re

import numpy as np
import pytest

from tests.embedding_tables import people_table, row, table
from training.evaluation.ranking import evaluate_retrieval, score_queries
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.retrieval_result import merge_results

PEOPLE = people_table(1, identities=6, tracklets=4)


def parts(*cuts):
    rows = np.split(np.arange(len(PEOPLE)), cuts)
    return [score_queries(PEOPLE.take(part), PEOPLE, RankingRules()) for part in rows]


@pytest.mark.parametrize("cuts", [(1,), (5, 11), (12,)])
def test_merged_parts_equal_the_whole(cuts):
    whole, merged = evaluate_retrieval(PEOPLE, PEOPLE), merge_results(parts(*cuts))
    assert merged.names.tolist() == whole.names.tolist()
    assert merged.dropped == whole.dropped
    assert merged.mean_average_precision == whole.mean_average_precision
    assert merged.mean_inverse_penalty == whole.mean_inverse_penalty
    assert merged.cmc == whole.cmc


def test_parts_of_other_evaluations_are_not_merged():
    first, second = parts(5)
    smaller = score_queries(PEOPLE.take(np.arange(3)), PEOPLE.take(np.arange(12)), RankingRules())
    mars = score_queries(PEOPLE, PEOPLE, RankingRules(average_precision="mars"))
    for other in (smaller, mars):
        with pytest.raises(ValueError, match="expected parts ranked against 24 tracklets by"):
            merge_results([first, other])
    with pytest.raises(ValueError, match="expected every query in one part, received"):
        merge_results([first, second, first])


def test_the_curve_is_the_share_of_first_matches_up_to_each_rank():
    result = evaluate_retrieval(PEOPLE, PEOPLE)
    curve = result.cmc_curve(30)
    assert curve.shape == (30,)
    expected = [np.mean(result.first_ranks <= rank) for rank in range(1, 31)]
    assert curve.tolist() == pytest.approx(expected)
    assert result.cmc_curve(2).tolist() == curve[:2].tolist()


def test_when_none_is_left_the_error_counts_the_reasons_and_names_the_option():
    query = table(row("a", 1, 1, 1, 0), row("b", 1, 1, 1, 0), row("c", 3, 1, 1, 0))
    gallery = table(row("d", 1, 1, 1, 0))
    expected = (
        "expected a query with a right match in the gallery, received 3 queries, all dropped: "
        "2 because its identity is in the gallery only from its own camera "
        "(same_camera='keep' (--same-camera keep) ranks them too); "
        "1 because the gallery has no other tracklet of its identity "
        "(check that query and gallery number people alike)"
    )
    with pytest.raises(ValueError, match=re.escape(expected)):
        evaluate_retrieval(query, gallery)
    with pytest.raises(ValueError, match="received 0 queries, all dropped: there are no queries"):
        evaluate_retrieval(query.take(np.array([], dtype=np.int64)), gallery)
