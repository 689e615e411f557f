import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.embedding_tables import people_table
from training.__main__ import app
from training.evaluation.ranking import evaluate_retrieval, without_queries
from training.evaluation.ranking_rules import RankingRules

PEOPLE = people_table(1, identities=10, tracklets=5, cameras=2, spread=1.5)
QUERY = PEOPLE.take(np.arange(0, 50, 3))


def write(path, table, **changes):
    arrays = {
        "embeddings": table.embeddings,
        "identities": table.identities,
        "cameras": table.cameras,
        "names": table.names,
        **changes,
    }
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return str(path)


@pytest.fixture
def files(tmp_path):
    return write(tmp_path / "query.npz", QUERY), write(tmp_path / "gallery.npz", PEOPLE)


def ranked(files, *options):
    answer = CliRunner().invoke(app, ["rank", *files, "--json", *options])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_the_json_has_the_metrics_of_the_evaluator_as_fractions(files):
    printed, expected = ranked(files), evaluate_retrieval(QUERY, PEOPLE)
    assert {name: printed[name] for name in expected.metrics()} == expected.metrics()
    assert printed["unit"] == "fraction of 1"
    assert printed["valid_queries"] == expected.valid_queries
    assert printed["dropped_queries"] == len(expected.dropped)
    assert printed["gallery"] == 50
    assert printed["protocol"]["gallery_includes_query"] is True
    assert printed["protocol"]["rules"]["same_camera"] == "exclude"


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        (["--ap", "mars"], RankingRules(average_precision="mars")),
        (["--same-camera", "keep"], RankingRules(same_camera="keep")),
        (["--processes", "2"], RankingRules()),
    ],
)
def test_options_are_the_rules_of_the_evaluator(files, options, rules):
    printed = ranked(files, *options)
    assert printed["mAP"] == evaluate_retrieval(QUERY, PEOPLE, rules).mean_average_precision
    assert printed["protocol"]["rules"] == rules.model_dump()


def test_queries_leave_the_gallery_by_name(files, tmp_path):
    printed = ranked(files, "--without-queries")
    expected = evaluate_retrieval(QUERY, without_queries(PEOPLE, QUERY))
    assert (printed["gallery"], printed["mAP"]) == (33, expected.mean_average_precision)
    assert printed["dropped"] == {one.name: one.reason for one in expected.dropped}
    assert printed["protocol"]["gallery_includes_query"] is False
    nameless = write(tmp_path / "nameless.npz", PEOPLE, names=None)
    answer = CliRunner().invoke(app, ["rank", files[0], nameless, "--without-queries"])
    assert answer.exit_code == 1
    assert "expected an array names in both files" in " ".join(answer.stderr.split())


def test_expansion_and_reranking_say_so(files):
    plain = ranked(files)
    expanded = ranked(files, "--query-expansion", "2")
    answer = CliRunner().invoke(app, ["rank", *files, "--json", "--rerank"])
    reranked = json.loads(answer.stdout)
    assert "re-ranking 50 tracklets takes about" in answer.stderr
    assert expanded["protocol"]["query_expansion"] == 2
    assert reranked["protocol"]["reranked"] is True
    assert len({plain["mAP"], expanded["mAP"], reranked["mAP"]}) == 3
    refused = CliRunner().invoke(app, ["rank", *files, "--rerank", "--processes", "2"])
    assert refused.exit_code == 1
    assert "expected re-ranking in one process" in refused.stderr


def test_a_person_reads_percent_counts_and_reasons(files):
    answer = CliRunner().invoke(
        app, ["rank", *files, "--without-queries", "--query-expansion", "1"]
    )
    expected = evaluate_retrieval(QUERY, without_queries(PEOPLE, QUERY))
    assert answer.exit_code == 0
    counts = f"{expected.valid_queries} valid queries, {len(expected.dropped)} dropped"
    assert counts in answer.stdout
    assert expected.dropped
    for one in expected.dropped:
        assert f"  {one.name}: {one.reason}" in answer.stdout
    assert "queries in the gallery: no" in " ".join(answer.stdout.split())
    assert "queries expanded by their 1 nearest" in answer.stdout


def test_bad_input_is_one_message_and_status_1(files, tmp_path):
    short = write(tmp_path / "short.npz", PEOPLE, cameras=PEOPLE.cameras[:-1])
    answer = CliRunner().invoke(app, ["rank", files[0], short])
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("error: expected one row per tracklet in every array")
    other = write(tmp_path / "other.npz", people_table(1, identities=9, tracklets=4, dimension=7))
    answer = CliRunner().invoke(app, ["rank", files[0], other])
    assert answer.exit_code == 1
    assert "expected queries of 7 dimensions" in answer.stderr
