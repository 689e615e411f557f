"""From weights on disk and people drawn in the layout of a data set to a judged result."""

import shutil

import numpy as np
import pytest
import torch
from rich.progress import Progress

from model.manifest import file_digest
from model.registry import build_model
from model.weights import save_weights
from tests.tiny_models import tiny_dcct
from training.data.catalogue import read_data_set
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_mars import write_mars
from training.data.synthetic_two_views import write_ilids_vid
from training.evaluation.compare import ComparisonSettings
from training.evaluation.evaluation import WeightsToJudge, default_cache, evaluate_weights
from training.evaluation.retrieval_task import TaskSet, choose_tasks
from training.evaluation.tracklet_features import EmbeddingSettings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def mars(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn") / "mars"
    write_mars(SyntheticWorld(seed=1, identities=4, cameras=3, height=64, width=32), root, frames=5)
    return read_data_set("mars", root)


@pytest.fixture(scope="module")
def ilids(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn") / "ilids"
    world = SyntheticWorld(seed=1, identities=4, cameras=2, height=64, width=32)
    write_ilids_vid(world, root, frames=2)
    return read_data_set("ilidsvid", root)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("run") / "weights.safetensors"
    save_weights(path, build_model(tiny_dcct()))
    return path


def evaluate(path, tasks, *, cache=None, **settings):
    with Progress(disable=True) as progress:
        return evaluate_weights(
            WeightsToJudge(path, CPU, cache), tasks, ComparisonSettings(**settings),
            progress=progress,
        )  # fmt: skip


def test_mars_is_judged_with_and_without_queries_in_the_gallery(mars, weights, tmp_path):
    official = evaluate(weights, choose_tasks(mars), cache=tmp_path)
    alone = evaluate(weights, choose_tasks(mars, gallery="without-queries"), cache=tmp_path)
    (split,), (other,) = official.report.splits, alone.report.splits
    assert list(split.methods) == ["full", "student", "HSV histogram"]
    assert official.report.protocol.gallery_includes_query
    assert not alone.report.protocol.gallery_includes_query
    queries = len(official.judged[0].task.query)
    assert split.valid_queries + len(split.dropped_queries) == queries
    assert other.gallery == split.gallery - queries
    assert split.weights_sha256 == file_digest(weights).sha256
    assert (official.report.protocol.frames, official.report.protocol.clips) == (
        "dense",
        "interleaved",
    )


def test_modes_are_told_apart(mars, weights):
    tasks = choose_tasks(mars)
    for mode in ("fast", "served", "1", "8"):
        report = evaluate(
            weights, tasks, embedding=EmbeddingSettings(mode=mode), baseline=False
        ).report
        assert report.protocol.frames == mode
        assert list(report.splits[0].methods) == ["full", "student"]


def test_ten_splits_are_judged_and_averaged(ilids, weights):
    report = evaluate(weights, choose_tasks(ilids, split="all"), features=("student",)).report
    assert len(report.splits) == 10
    assert report.protocol.weights == "one file"
    ranks = [split.methods["student"].rank_1 for split in report.splits]
    summary = report.summary["student"]
    assert summary.mean.rank_1 == pytest.approx(np.mean(ranks), abs=0.01)
    assert summary.std.rank_1 == pytest.approx(np.std(ranks, ddof=1), abs=0.01)


def test_every_split_has_weights_of_its_own_where_the_path_says_so(ilids, weights, tmp_path):
    tasks = TaskSet("ilidsvid", choose_tasks(ilids, split="all").tasks[:2])
    for task in tasks.tasks:
        folder = tmp_path / "runs" / task.split
        folder.mkdir(parents=True)
        shutil.copy(weights, folder)
    last = tmp_path / "runs" / tasks.tasks[-1].split / weights.name
    torch.manual_seed(1)
    save_weights(last, build_model(tiny_dcct()))
    pattern = tmp_path / "runs" / "{split}" / weights.name
    report = evaluate(pattern, tasks, features=("student",), baseline=False).report
    assert report.protocol.weights == "one file per split"
    assert [split.weights_sha256 for split in report.splits] == [
        file_digest(weights).sha256,
        file_digest(last).sha256,
    ]

    save_weights(last, build_model(tiny_dcct(height=96)))
    with pytest.raises(ValueError, match=r"expected weights of one kind of model .* \['height'\]"):
        evaluate(pattern, tasks, features=("student",), baseline=False)


def test_features_are_kept_beside_the_weights(tmp_path):
    assert default_cache(tmp_path / "weights.safetensors") == tmp_path / "features"
    pattern = tmp_path / "{split}" / "run" / "weights.safetensors"
    assert default_cache(pattern) == tmp_path / "features"


def test_missing_weights_are_named(mars, tmp_path):
    with pytest.raises(ValueError, match="expected a safetensors file at .*none.safetensors"):
        evaluate(tmp_path / "none.safetensors", choose_tasks(mars))
