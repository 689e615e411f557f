import numpy as np
import pytest
import torch
from rich.progress import Progress

from model.registry import build_model
from tests.judged_networks import judge_itself
from tests.tiny_models import tiny_dcct
from training.data.frame_reading import read_frame
from training.evaluation.clip_embedders import HistogramEmbedder
from training.evaluation.compare import Candidate, ComparisonSettings, embed_histograms, judge
from training.evaluation.histogram import frame_histogram
from training.evaluation.query_expansion import expand_queries
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.rerank import k_reciprocal
from training.evaluation.retrieval_task import RetrievalTask
from training.evaluation.tracklet_features import EmbeddingSettings


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_model(tiny_dcct())


@pytest.fixture(scope="module")
def judged(network, drawn_tracklets):
    return judge_itself(network, drawn_tracklets, features=("full", "student", "final", "cnn"))


def test_features_and_baseline_answer_the_same_queries(judged, drawn_tracklets):
    assert list(judged.methods) == ["full", "student", "final", "cnn", "HSV histogram"]
    for method in judged.methods.values():
        assert method.result.valid_queries == method.result.gallery == len(drawn_tracklets)
        assert method.query.names.tolist() == [one.name for one in drawn_tracklets]
        np.testing.assert_allclose(np.linalg.norm(method.query.embeddings, axis=1), 1, atol=1e-5)


def test_full_features_are_the_parts_side_by_side(judged):
    """Each part has length 1 before all are normalised together (spec §1.9)."""
    full, final = (judged.methods[name].query.embeddings for name in ("full", "final"))
    width = final.shape[1]
    np.testing.assert_allclose(full[:, -width:] * 5**0.5, final, atol=1e-5)
    assert judged.methods["cnn"].query.embeddings.shape[1] == 256
    student, cnn = (judged.methods[name].query.embeddings for name in ("student", "cnn"))
    np.testing.assert_allclose(student[:, :256] * 2**0.5, cnn, atol=1e-5)


def test_query_and_gallery_rows_are_those_of_the_task(network, drawn_tracklets):
    """Each split finds its own rows among tracklets that were embedded together."""
    query, gallery = drawn_tracklets[::3], drawn_tracklets[1:]
    tasks = [
        RetrievalTask("one", tuple(query), tuple(gallery)),
        RetrievalTask("two", tuple(query[::-1]), tuple(gallery[:-1]), excludes_same_outfit=True),
    ]
    settings = ComparisonSettings(features=("student",), rules=RankingRules(same_camera="keep"))
    with Progress(disable=True) as progress:
        one, two = judge(Candidate(network, "0" * 64), tasks, settings, progress=progress)
    assert one.methods["student"].gallery.names.tolist() == [t.name for t in gallery]
    assert two.methods["student"].query.names.tolist() == [t.name for t in query[::-1]]
    rows = one.methods["student"].query, two.methods["student"].query
    assert np.array_equal(rows[0].embeddings, rows[1].embeddings[::-1])
    assert not one.methods["student"].result.rules.exclude_same_outfit
    assert two.methods["student"].result.rules.exclude_same_outfit
    assert two.methods["student"].result.rules.same_camera == "keep"


def test_the_baseline_can_be_left_out(network, drawn_tracklets):
    assert list(judge_itself(network, drawn_tracklets, baseline=False).methods) == [
        "full",
        "student",
    ]


def test_histograms_are_those_of_all_frames(drawn_tracklets):
    embedder = HistogramEmbedder((64, 32), sampled_frames=4)
    with Progress(disable=True) as progress:
        rows = embed_histograms(
            drawn_tracklets[:2], embedder, EmbeddingSettings(mode="dense"), progress=progress
        )
    frames = [read_frame(path, height=64, width=32) for path in drawn_tracklets[1].frames]
    root = np.sqrt(np.mean([frame_histogram(one) for one in frames], axis=0))
    np.testing.assert_allclose(rows[1], root / np.linalg.norm(root), atol=1e-6)


def test_queries_are_expanded_and_rankings_reranked_where_asked(network, drawn_tracklets):
    few = {"features": ("student",), "baseline": False}
    plain = judge_itself(network, drawn_tracklets, **few).methods["student"]
    expanded = judge_itself(network, drawn_tracklets, **few, query_expansion=2).methods["student"]
    expected = expand_queries(plain.query, plain.gallery, neighbours=2)
    np.testing.assert_allclose(expanded.query.embeddings, expected.embeddings, atol=1e-6)
    reranked = judge_itself(network, drawn_tracklets, **few, rerank=True).methods["student"]
    again = evaluate_retrieval(plain.query, plain.gallery, scorer=k_reciprocal())
    assert np.array_equal(reranked.result.first_ranks, again.first_ranks)
    assert np.array_equal(reranked.result.average_precisions, again.average_precisions)
