"""Nothing is published that the gate refuses; what is published is whole."""

import json

import numpy as np
import onnx
import pytest

from model.manifest import (
    EmbeddingPart,
    FrameChoice,
    OutputTensor,
    Preprocessing,
    Provenance,
    load_manifest,
    verify_files,
)
from tests.artifact_factory import tiny_graph
from training.export.gate import GateError
from training.export.graph_runner import onnx_runner
from training.export.publishing import PreparedGraph, Publication, publish

HEIGHT, WIDTH = 32, 16
PARTS = (EmbeddingPart(name="cnn", dimension=12), EmbeddingPart(name="transformer", dimension=8))


def preprocessing_of(frames_per_clip):
    return Preprocessing(
        frames_per_clip=frames_per_clip,
        choice=FrameChoice(policy="evenly_spaced", most=8),
        height=HEIGHT,
        width=WIDTH,
        interpolation="bilinear_antialias",
        colour="RGB",
    )


OUTPUTS = {
    unit: OutputTensor(
        name="features", dimension=20, normalised=True, metric="cosine", pooling=pooling,
        parts=PARTS,
    )
    for unit, pooling in (("frame", "mean"), ("clip", "none"))
}  # fmt: skip
PUBLICATION = Publication(
    name="projection",
    version="3",
    provenance=Provenance(
        commit="abc123", data="none", protocol="none", rank_1=None, mean_average_precision=None,
        exporter={}, data_licence="none",
    ),
    card=lambda manifest: f"Passed with {manifest.gate.measured.least_cosine:.4f}.\n",
)  # fmt: skip


def prepared(tmp_path, *, unit="frame", seed=0, of_reference=0):
    """A graph held against the one of another seed, or its own."""
    tmp_path.mkdir(exist_ok=True)
    for name, own in (("graph.onnx", seed), ("reference.onnx", of_reference)):
        onnx.save(tiny_graph(height=HEIGHT, width=WIDTH, seed=own, unit=unit), tmp_path / name)
    return PreparedGraph(
        file=tmp_path / "graph.onnx",
        precision="fp32",
        input_name="frames",
        preprocessing=preprocessing_of(None if unit == "frame" else 4),
        output=OUTPUTS[unit],
        reference=onnx_runner(tmp_path / "reference.onnx"),
    )


@pytest.mark.parametrize(("unit", "golden"), [("frame", 4), ("clip", 4)])
def test_what_is_published_says_what_passed(tmp_path, unit, golden):
    graph = prepared(tmp_path / "made", unit=unit)
    directory = tmp_path / "artifact"
    manifest = publish(graph, directory, PUBLICATION)
    assert load_manifest(directory) == manifest
    verify_files(directory, manifest)
    assert {path.name for path in directory.iterdir()} == {*manifest.files, "manifest.json"}
    assert (manifest.model.name, manifest.model.version) == ("projection", "3")
    assert manifest.provenance == PUBLICATION.provenance
    assert manifest.graph.batching_unit == unit
    assert np.load(directory / manifest.golden.clip).shape == (golden, HEIGHT, WIDTH, 3)
    assert (directory / "MODEL_CARD.md").read_text() == "Passed with 1.0000.\n"
    stored = np.load(directory / manifest.gate.embeddings)
    assert (stored.dtype, stored.shape) == (np.float16, (128, 20))


def test_what_the_gate_refuses_is_not_published_and_an_earlier_artifact_stays(tmp_path):
    directory = tmp_path / "artifact"
    directory.mkdir()
    (directory / "manifest.json").write_text(json.dumps({"earlier": True}))
    wrong = prepared(tmp_path / "made", seed=1)
    with pytest.raises(GateError, match="expected a cosine of at least 0.9999 in every row"):
        publish(wrong, directory, PUBLICATION)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifact", "made"]
    assert json.loads((directory / "manifest.json").read_text()) == {"earlier": True}


def test_an_earlier_artifact_is_replaced_as_a_whole(tmp_path):
    directory = tmp_path / "artifact"
    directory.mkdir()
    for name in ("manifest.json", "left_over.bin"):
        (directory / name).write_text("{}")
    manifest = publish(prepared(tmp_path / "made"), directory, PUBLICATION)
    assert {path.name for path in directory.iterdir()} == {*manifest.files, "manifest.json"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifact", "made"]
