import pytest
import torch
from rich.console import Console
from rich.progress import Progress

from model.registry import build_model
from model.weights import save_weights
from tests.tiny_models import tiny_dcct
from training.data.data_set import DataSet, Split
from training.evaluation.compare import ComparisonSettings
from training.evaluation.cross_domain import cross_domain_matrix, print_matrix
from training.evaluation.evaluation import WeightsToJudge, evaluate_weights
from training.evaluation.retrieval_task import choose_tasks
from training.evaluation.tracklet_features import EmbeddingSettings

FAST = ComparisonSettings(embedding=EmbeddingSettings(mode="fast"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Two models of different kinds."""
    folder = tmp_path_factory.mktemp("runs")
    configs = {"whole": tiny_dcct(), "student": tiny_dcct(spatial="gap", temporal="tap")}
    for seed, (name, config) in enumerate(configs.items()):
        torch.manual_seed(seed)
        save_weights(folder / name, build_model(config))
    return {name: WeightsToJudge(folder / name, torch.device("cpu")) for name in configs}


@pytest.fixture(scope="module")
def data(drawn_tracklets):
    parts = {"all": drawn_tracklets, "half": drawn_tracklets[:9]}
    return {
        name: choose_tasks(DataSet(name, (Split("folder", train=tuple(tracklets)),)))
        for name, tracklets in parts.items()
    }


def test_every_cell_is_the_evaluation_of_its_pair(weights, data, capsys):
    with Progress(disable=True) as progress:
        matrix = cross_domain_matrix(weights, data, FAST, progress=progress)
        alone = evaluate_weights(weights["whole"], data["half"], FAST, progress=progress).report
    assert {name: list(row) for name, row in matrix.reports.items()} == {
        "whole": ["all", "half"],
        "student": ["all", "half"],
    }
    cell = matrix.reports["whole"]["half"]
    assert cell.summary["full"] == alone.summary["full"]
    assert list(cell.splits[0].methods) == ["full"]
    assert matrix.reports["student"]["all"].protocol.clips == "single frames"

    print_matrix(matrix, Console(width=300))
    printed = capsys.readouterr().out
    mean = cell.summary["full"].mean
    assert f"{mean.rank_1:.2f} / {mean.mean_average_precision:.2f}" in printed
    assert "half: 9 valid queries, 0 dropped; every tracklet is a query" in printed


def test_nothing_to_compare_is_refused(weights, data):
    refused = pytest.raises(ValueError, match="expected weights and data sets, received 2 and 0; n")
    with Progress(disable=True) as progress, refused:
        cross_domain_matrix(weights, {}, FAST, progress=progress)
