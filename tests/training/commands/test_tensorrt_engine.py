import json
import sys

import pytest
import torch
from typer.testing import CliRunner

from tests.artifact_factory import write_tiny_artifact
from tests.tensorrt_double import Double
from training.__main__ import app
from training.export import to_tensorrt


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path / "artifact")
    return tmp_path / "artifact"


def test_a_machine_without_tensorrt_is_told(artifact, tmp_path):
    done = CliRunner().invoke(app, ["tensorrt", str(artifact), "--output", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "expected TensorRT's Python bindings, received none" in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_json_says_what_was_kept(artifact, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", Double())
    gpu = to_tensorrt.Gpu("Made Up 9", (9, 0), torch.device("cpu"))
    monkeypatch.setattr(to_tensorrt, "find_gpu", lambda: gpu)
    asked = ["tensorrt", str(artifact), "--output", str(tmp_path), "--batches", "1,4"]
    built = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert built["description"]["batch_sizes"] == [1, 4]
    assert built["description"]["precision"] == "fp32"
    assert (tmp_path / "timing.cache").is_file()
    told = CliRunner().invoke(app, asked).stdout
    assert f"{built['folder']}: tiny 1, fp32, kept from before in" in told
    assert "runs on    Made Up 9 sm90 with TensorRT 11.4.0, batches of 1, 4" in told
