import pytest
from typer.testing import CliRunner

from model.manifest import Manifest
from tests.foreign_graphs import write_onnx
from training.__main__ import app

STATED = {
    "--name": "theirs", "--version": "3", "--input-layout": "NCHW", "--color": "RGB",
    "--scale": "255", "--mean": "0.5,0.4,0.3", "--std": "0.2,0.25,0.3", "--data-licence": "Ask.",
}  # fmt: skip


def imported(graph, directory, *flags, **changes):
    options = STATED | {f"--{name}": value for name, value in changes.items()}
    words = [word for pair in options.items() for word in pair]
    return CliRunner().invoke(app, ["import", str(graph), str(directory), *words, *flags])


def test_an_artifact_comes_of_a_graph_and_options(tmp_path):
    done = imported(write_onnx(tmp_path), tmp_path / "artifact", "--json", "--max-frames", "8")
    assert done.exit_code == 0, done.output
    manifest = Manifest.model_validate_json(done.stdout)
    assert manifest.preprocessing.choice.most == 8
    assert manifest.provenance.data_licence == "Ask."
    assert manifest.provenance.data == "not known"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mean": "1,2"}, "expected three numbers for --mean"),
        ({"std": "0"}, "expected three standard deviations of 1e-06 to 1e+06, received"),
        ({"size": "128"}, "expected height and width for --size"),
    ],
)
def test_what_cannot_be_is_told_in_one_paragraph(tmp_path, changes, told):
    done = imported(write_onnx(tmp_path), tmp_path / "artifact", **changes)
    assert done.exit_code == 1
    assert told in " ".join(done.stderr.split())
    assert not (tmp_path / "artifact").exists()
