import numpy as np
import pytest
from rich.progress import Progress

from benchmarks.http_retrieval import rank_over_http
from benchmarks.running_service import running_service
from service.client.client import ReidClient
from tests.artifact_factory import write_tiny_artifact
from training.data.market1501 import read_market1501_folder
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.ranking import average_precision, evaluate_retrieval


def test_rankings_over_http_score_as_the_evaluator_scores_the_embeddings(tmp_path):
    """The same-camera rule applied to answers equals the one applied to similarities."""
    write_tiny_artifact(tmp_path / "artifact")
    world = SyntheticWorld(seed=2, identities=4, cameras=2, height=64, width=32)
    write_market1501(world, tmp_path / "market", recordings=2, frames=2)
    tracklets = read_market1501_folder(tmp_path / "market" / "bounding_box_train")
    with running_service(tmp_path / "artifact") as service, ReidClient(service.url) as client:
        with Progress(disable=True) as progress:
            ranked = rank_over_http(client, tracklets, progress)
        embeddings = [client.get(t.name, embedding=True).embedding for t in tracklets]
    embedded = EmbeddingTable.of(tracklets, np.array(embeddings))
    expected = evaluate_retrieval(embedded, embedded)
    assert np.mean(
        [average_precision(np.flatnonzero(hits) + 1) for hits in ranked]
    ) == pytest.approx(expected.mean_average_precision)
    assert np.mean([hits[0] for hits in ranked]) == pytest.approx(expected.cmc[1])
