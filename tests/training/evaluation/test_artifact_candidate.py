import shutil

import numpy as np
import pytest
import torch
from rich.progress import Progress

from model.manifest import ArtifactError
from tests.artifact_factory import reference_embedding, write_tiny_artifact
from training.data.catalogue import read_data_set
from training.data.frame_reading import read_frame
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_mars import write_mars
from training.evaluation.artifact_candidate import ArtifactCandidate, GraphEmbedder
from training.evaluation.clip_plan import FRAME_CHOICE
from training.evaluation.compare import ComparisonSettings
from training.evaluation.embed import embed_tracklets, join_parts
from training.evaluation.evaluation import WeightsToJudge, default_cache, evaluate_weights
from training.evaluation.retrieval_task import choose_tasks
from training.evaluation.tracklet_features import EmbeddingSettings
from training.export.graph_runner import open_runner


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifacts") / "tiny"
    write_tiny_artifact(directory)
    return directory


@pytest.fixture(scope="module")
def embedder(artifact):
    return ArtifactCandidate(artifact).embedder("fp32")


@pytest.mark.parametrize("mode", ["dense", "1", "8"])
def test_embeddings_are_those_that_the_manifest_describes(
    artifact, embedder, drawn_tracklets, mode
):
    some = drawn_tracklets[:3]
    manifest = write_tiny_artifact(artifact)
    run = open_runner(artifact, manifest.graph)
    received = list(embed_tracklets(some, embedder, mode=mode, frames_per_batch=3))
    for tracklet, parts in zip(some, received, strict=True):
        frames = [read_frame(path, height=64, width=32) for path in tracklet.frames]
        seen = frames[len(frames) // 2 :][:1] if mode == "1" else frames
        joined = join_parts([parts[name][None] for name in ("cnn", "transformer")])[0]
        np.testing.assert_allclose(joined, reference_embedding(run(np.stack(seen))), atol=1e-5)


def test_an_artifact_is_judged_beside_the_baseline(artifact, tmp_path):
    root = tmp_path / "mars"
    write_mars(SyntheticWorld(seed=1, identities=4, cameras=3, height=64, width=32), root, frames=3)
    features = ("full", "cnn", "transformer+cnn")
    settings = ComparisonSettings(
        features=features, embedding=EmbeddingSettings(mode="1", frames_per_batch=8)
    )
    with Progress(disable=True) as progress:
        report = evaluate_weights(
            WeightsToJudge(artifact, torch.device("cpu")),
            choose_tasks(read_data_set("mars", root)),
            settings,
            progress=progress,
        ).report
    (split,) = report.splits
    assert list(split.methods) == [*features, "HSV histogram"]
    assert split.weights_sha256 == write_tiny_artifact(artifact).model.fingerprint
    assert (report.protocol.frames, report.protocol.clips) == ("1", "single frames")
    assert (report.protocol.height, report.protocol.width) == (64, 32)


def test_nothing_is_kept_beside_an_artifact_that_is_passed_on(artifact, tmp_path):
    assert default_cache(artifact) is None
    assert default_cache(tmp_path / "weights.safetensors") == tmp_path / "features"


def test_no_name_means_the_whole_embedding(artifact):
    assert ArtifactCandidate(artifact).parts_of(None) == {"full": ("cnn", "transformer")}


@pytest.mark.parametrize("name", ["student", "cnn+cnn", ""])
def test_features_that_it_does_not_make_are_refused(artifact, name):
    told = r"expected features of \['full', 'cnn', 'transformer'\], .* each once, received .*; cho"
    with pytest.raises(ValueError, match=told):
        ArtifactCandidate(artifact).parts_of((name,))


def test_another_precision_is_refused(artifact):
    told = "expected no --precision beside an artifact, received bf16: .* fp32; leave --precision"
    with pytest.raises(ValueError, match=told):
        ArtifactCandidate(artifact).embedder("bf16")


def test_an_artifact_of_clips_is_refused(tmp_path):
    write_tiny_artifact(tmp_path / "clips", unit="clip")
    told = "expected an artifact of a frame model in .*clips, received one of clips; evaluate the w"
    with pytest.raises(ValueError, match=told):
        ArtifactCandidate(tmp_path / "clips")


def test_a_tampered_artifact_is_not_judged(artifact, tmp_path):
    copy = shutil.copytree(artifact, tmp_path / "copy")
    (copy / "graph.onnx").write_bytes(b"another")
    with pytest.raises(ArtifactError, match=r"'graph\.onnx'"):
        ArtifactCandidate(copy)


def test_served_is_what_every_served_number_is_of(artifact, embedder):
    told = "expected an artifact that is served at most 32 frames, received one with 8; choose oth"
    with pytest.raises(ValueError, match=told):
        embedder.plan("served")
    manifest = write_tiny_artifact(artifact)
    preprocessing = manifest.preprocessing.model_copy(update={"choice": FRAME_CHOICE})
    usual = manifest.model_copy(update={"preprocessing": preprocessing})
    plan = GraphEmbedder(usual, open_runner(artifact, usual.graph)).plan("served")
    assert len(plan.clips(40)) == 32
