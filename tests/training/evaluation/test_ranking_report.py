import io
import json

import numpy as np
from rich.console import Console

from tests.embedding_tables import people_table, row, table
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_report import (
    NAMED_AT_MOST,
    RankingProtocol,
    build_ranking_report,
    print_ranking_report,
)
from training.evaluation.ranking_rules import RankingRules

PEOPLE = people_table(1, identities=6, tracklets=4, spread=1.5)
PROTOCOL = RankingProtocol(
    rules=RankingRules(),
    gallery_includes_query=True,
    query_expansion=0,
    reranked=False,
    normalized_here=0,
)


def shown(report):
    page = io.StringIO()
    print_ranking_report(report, Console(file=page, width=200))
    return page.getvalue()


def test_the_report_has_every_number_of_the_result_and_is_json():
    result = evaluate_retrieval(PEOPLE, PEOPLE)
    printed = json.loads(build_ranking_report(result, PROTOCOL).model_dump_json())
    assert {name: printed[name] for name in result.metrics()} == result.metrics()
    assert (printed["valid_queries"], printed["dropped_queries"]) == (24, 0)
    assert (printed["gallery"], printed["dropped"]) == (24, {})


def test_people_read_percent_and_how_the_numbers_came_about():
    report = build_ranking_report(evaluate_retrieval(PEOPLE, PEOPLE), PROTOCOL)
    text = shown(report)
    assert f"{100 * report.mAP:.2f}" in text
    assert "same camera: exclude; same outfit: keep; average precision: standard" in text
    for words in ("were not of length 1", "expanded", "re-ranking"):
        assert words not in text
    changed = {"query_expansion": 3, "reranked": True, "normalized_here": 7}
    text = shown(report.model_copy(update={"protocol": PROTOCOL.model_copy(update=changed)}))
    assert "7 embeddings were not of length 1 and are now" in text
    assert "queries expanded by their 3 nearest" in text
    assert "k-reciprocal re-ranking: not comparable" in text


def test_only_the_first_dropped_queries_are_named_and_brackets_stay_as_they_are():
    lonely = [row(f"[red]q{n}", 10 + n, 1, 1.0, 0.0) for n in range(NAMED_AT_MOST + 2)]
    query = table(row("q", 1, 1, 1.0, 0.0), *lonely)
    report = build_ranking_report(
        evaluate_retrieval(query, table(row("g", 1, 2, 1.0, 0.0))), PROTOCOL
    )
    text = shown(report)
    assert f"1 valid queries, {NAMED_AT_MOST + 2} dropped" in text
    assert text.count("[red]q") == NAMED_AT_MOST
    assert "and 2 more; --json names all" in text
    assert len(report.dropped) == NAMED_AT_MOST + 2


def test_a_report_of_one_query_has_no_rounding_of_its_own():
    one = evaluate_retrieval(PEOPLE.take(np.array([0])), PEOPLE)
    assert build_ranking_report(one, PROTOCOL).mAP == one.mean_average_precision
