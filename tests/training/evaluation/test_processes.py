import os

import numpy as np
import pytest

from tests.embedding_tables import people_table, row, table
from training.evaluation.processes import evaluate_in_processes
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import RankingRules

PEOPLE = people_table(2, identities=15, tracklets=4, dimension=200, spread=2.0)


def test_one_process_equals_two_to_the_last_digit():
    rules = RankingRules(average_precision="mars", chunk_queries=7)
    environment = dict(os.environ)
    two = evaluate_in_processes(PEOPLE, PEOPLE, rules, processes=2)
    one = evaluate_retrieval(PEOPLE, PEOPLE, rules)
    for column in ("names", "average_precisions", "first_ranks", "inverse_penalties", "positives"):
        assert np.array_equal(getattr(two, column), getattr(one, column))
    assert (two.dropped, two.gallery, two.rules) == (one.dropped, one.gallery, one.rules)
    assert two.mean_average_precision == one.mean_average_precision
    assert dict(os.environ) == environment


def test_an_error_of_a_process_is_the_error_of_the_whole():
    query = table(row("a", 1, 1, 1, 0), row("b", 2, 1, 1, 0))
    with pytest.raises(ValueError, match="received 2 queries, all dropped"):
        evaluate_in_processes(query, query, RankingRules(), processes=2)


@pytest.mark.parametrize("processes", [0, 61])
def test_a_process_without_a_query_is_refused(processes):
    with pytest.raises(ValueError, match=f"expected 1 to 60 processes .* received {processes};"):
        evaluate_in_processes(PEOPLE, PEOPLE, RankingRules(), processes=processes)
