import numpy as np
import pytest

from tests.embedding_tables import people_table
from training.evaluation.query_expansion import expand_queries
from training.evaluation.rank_files import RankOptions, rank_files
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.rerank import k_reciprocal

PEOPLE = people_table(1, identities=10, tracklets=5, cameras=2, spread=1.5)
QUERY = PEOPLE.take(np.arange(0, 50, 3))


@pytest.fixture
def files(tmp_path):
    for name, one in (("query", QUERY), ("gallery", PEOPLE)):
        np.savez(
            tmp_path / f"{name}.npz",
            embeddings=one.embeddings,
            identities=one.identities,
            cameras=one.cameras,
            names=one.names,
        )
    return tmp_path / "query.npz", tmp_path / "gallery.npz"


def brute_force(query, gallery):
    """Rank in the kept list, standard average precision, R ÷ position of the last right match."""
    precisions, penalties, firsts = [], [], []
    exact = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (query[0], gallery[0])]
    for similarities, identity, camera in zip(exact[0] @ exact[1].T, *query[1:], strict=True):
        own = (gallery[1] == identity) & (gallery[2] == camera)
        order = np.argsort(-similarities, kind="stable")
        order = order[(~own & (gallery[1] != -1))[order]]
        ranks = 1 + np.flatnonzero(gallery[1][order] == identity)
        if len(ranks):
            precisions.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
            penalties.append(len(ranks) / ranks[-1])
            firsts.append(ranks[0])
    cmc = {f"rank{k}": np.mean(np.array(firsts) <= k) for k in (1, 5, 10, 20)}
    return {**cmc, "mAP": np.mean(precisions), "mINP": np.mean(penalties)}, len(firsts)


@pytest.mark.parametrize("whole", [np.uint8, np.int32, np.float64])
@pytest.mark.parametrize("seed", range(4))
def test_embeddings_of_any_length_rank_as_ten_lines_rank_them(tmp_path, seed, whole):
    rng = np.random.default_rng(seed)
    parts = {}
    for name, rows in (("query", 9), ("gallery", 120)):
        embeddings = 50 * rng.normal(size=(rows, 24))
        identities = rng.integers(1 if whole == np.uint8 else -1, 5, rows).astype(whole)
        if name == "query":
            identities = np.maximum(identities, 1).astype(whole)
            identities[0] = 100
        cameras = rng.integers(0, 3, rows).astype(whole)
        parts[name] = (embeddings, identities, cameras)
        np.savez(
            tmp_path / f"{name}.npz",
            embeddings=embeddings,
            identities=identities,
            cameras=cameras,
        )
    report = rank_files(tmp_path / "query.npz", tmp_path / "gallery.npz", RankOptions())
    expected, valid = brute_force(parts["query"], parts["gallery"])
    assert (report.valid_queries, report.dropped_queries) == (valid, 9 - valid)
    assert {name: getattr(report, name) for name in expected} == pytest.approx(expected, abs=1e-12)


def test_expansion_and_reranking_are_those_of_the_evaluator(files):
    said = []
    expanded = rank_files(*files, RankOptions(query_expansion=2))
    reranked = rank_files(*files, RankOptions(rerank=True), announce=said.append)
    more = evaluate_retrieval(expand_queries(QUERY, PEOPLE, neighbours=2), PEOPLE)
    again = evaluate_retrieval(QUERY, PEOPLE, scorer=k_reciprocal())
    assert expanded.mAP == pytest.approx(more.mean_average_precision, abs=1e-9)
    assert reranked.mAP == pytest.approx(again.mean_average_precision, abs=1e-9)
    assert len({rank_files(*files, RankOptions()).mAP, expanded.mAP, reranked.mAP}) == 3
    assert len(said) == 1
    assert said[0].startswith("re-ranking 50 tracklets takes about")


def test_options_that_exclude_each_other_are_refused(files):
    with pytest.raises(ValueError, match="expected re-ranking in one process, .* received 2; leav"):
        rank_files(*files, RankOptions(rerank=True, processes=2))
    with pytest.raises(ValueError, match="processes"):
        RankOptions(processes=0)


def test_queries_can_leave_the_gallery_only_where_both_files_name_their_rows(files, tmp_path):
    assert rank_files(*files, RankOptions(without_queries=True)).gallery == 33
    np.savez(
        tmp_path / "nameless.npz",
        embeddings=PEOPLE.embeddings,
        identities=PEOPLE.identities,
        cameras=PEOPLE.cameras,
    )
    with pytest.raises(ValueError, match="expected an array names in both files"):
        rank_files(files[0], tmp_path / "nameless.npz", RankOptions(without_queries=True))
