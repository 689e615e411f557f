"""The whole way from artifact to engine, on a TensorRT that is made up and a real gate."""

import json

import pytest
import torch

from model.manifest import load_manifest
from tests.artifact_factory import write_tiny_artifact
from tests.tensorrt_double import Double
from training.export.engine_builder import BuildOptions
from training.export.gate import GateError
from training.export.tensorrt_bindings import TensorrtError, open_tensorrt
from training.export.to_tensorrt import Gpu, find_gpu, write_engine

GPU = Gpu("Made Up 9", (9, 0), torch.device("cpu"))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifact")
    write_tiny_artifact(directory)
    return directory


def write(artifact, root, double=None, *, gpu=GPU, precision="fp32", batches=(2, 4, 8)):
    options = BuildOptions(
        precision=precision,
        batch_sizes=batches,
        workspace_mib=None,
        timing_cache=root / "timing.cache",
    )
    return write_engine(artifact, root, options, tensorrt=double or Double(), gpu=gpu)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_an_engine_is_kept_with_what_it_reached(artifact, tmp_path, precision):
    built = write(artifact, tmp_path, precision=precision)
    assert not built.reused
    described = json.loads((built.folder / "engine.json").read_text())
    assert described["gpu"] == "Made Up 9 sm90"
    assert described["tensorrt"] == "11.4.0"
    assert described["graph_sha256"] == load_manifest(artifact).files["graph.onnx"].sha256
    assert described["measured"]["least_cosine"] >= described["least_cosine"]
    assert {path.name for path in built.folder.iterdir()} == {"engine.json", "model.engine"}


def test_an_engine_of_clips(tmp_path):
    write_tiny_artifact(tmp_path / "artifact", unit="clip")
    double = Double()
    write(tmp_path / "artifact", tmp_path / "engines", double, batches=(1, 2))
    assert double.profiles[0][1:] == ((1, 4, 64, 32, 3), (2, 4, 64, 32, 3), (2, 4, 64, 32, 3))


def test_what_is_there_is_not_built_again_but_proven_again(artifact, tmp_path):
    double = Double()
    first, second = write(artifact, tmp_path, double), write(artifact, tmp_path, double)
    assert (double.built, second.reused, second.folder) == (1, True, first.folder)
    assert second.description == first.description
    (first.folder / "model.engine").write_bytes(b"something else")
    assert not write(artifact, tmp_path, double).reused


def test_an_engine_that_computes_something_else_is_not_kept(artifact, tmp_path):
    double = Double(spoil=lambda features: features[:, ::-1])
    with pytest.raises(GateError, match="expected a cosine of at least 0.9999 in every row at bat"):
        write(artifact, tmp_path, double)
    assert [path.name for path in tmp_path.iterdir()] == ["timing.cache"]


def test_an_engine_that_does_not_load_is_not_kept(artifact, tmp_path):
    double = Double()
    double.loads = False
    with pytest.raises(TensorrtError) as told:
        write(artifact, tmp_path, double)
    assert str(told.value) == (
        "expected an engine that TensorRT loads again, received one that it refuses; see what it "
        "said above, and build with the version that runs it"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["timing.cache"]


@pytest.mark.parametrize(
    ("precision", "capability", "least"), [("bf16", (7, 5), "8.0"), ("fp8", (8, 6), "8.9")]
)
def test_a_gpu_without_the_numbers_is_told_before_building(
    artifact, tmp_path, precision, capability, least
):
    double, gpu = Double(), Gpu("Old", capability, torch.device("cpu"))
    with pytest.raises(TensorrtError) as told:
        write(artifact, tmp_path, double, gpu=gpu, precision=precision)
    assert str(told.value) == (
        f"expected a GPU of compute capability {least} or more for {precision}, "
        f"received {gpu}; choose --precision fp16"
    )
    assert not double.built


def test_a_machine_without_a_gpu_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TensorrtError) as told:
        find_gpu()
    assert str(told.value) == (
        "expected an NVIDIA GPU, received none that CUDA can use; engines are built on the "
        "machine that runs them"
    )


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16", "int8", "fp8"])
def test_a_real_gpu_builds_an_engine_that_passes(artifact, tmp_path, precision):
    built = write(artifact, tmp_path, open_tensorrt(), gpu=find_gpu(), precision=precision)
    assert built.description.measured.least_cosine >= built.description.least_cosine
    assert write(artifact, tmp_path, open_tensorrt(), gpu=find_gpu(), precision=precision).reused
