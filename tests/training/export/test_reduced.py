import dataclasses

import numpy as np
import onnx
import pytest

from model.manifest import FrameChoice, Preprocessing, Provenance
from tests.artifact_factory import OUTPUT, tiny_graph
from tests.reducible_graph import drawn_items, operators, reducible_graph
from training.export.gate import GateError
from training.export.graph_runner import onnx_runner
from training.export.optimize import folded
from training.export.publishing import PreparedGraph, Publication, publish
from training.export.quantize import Int8Plan, quantized
from training.export.reduced import reduced

HEIGHT, WIDTH = 32, 16


def test_single_precision_is_the_graph_itself():
    graph = reducible_graph()
    assert reduced(graph, "fp32") is graph


def test_int8_takes_convolutions_only_with_frames():
    without = operators(reduced(reducible_graph(), "int8"))
    assert without.count("MatMulInteger") == 2
    assert "QuantizeLinear" not in without
    having = operators(reduced(reducible_graph(), "int8", drawn_items(16)))
    assert having.count("MatMulInteger") == 2
    assert "QuantizeLinear" in having


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_frames_for_another_precision_are_refused(precision):
    with pytest.raises(
        ValueError, match=f"calibration items for int8 alone, received some for {precision}"
    ):
        reduced(reducible_graph(), precision, drawn_items(16))


def test_int8_is_published_within_its_bound_and_not_beyond(tmp_path):
    graph = tiny_graph(height=HEIGHT, width=WIDTH, seed=0)
    onnx.save(graph, tmp_path / "reference.onnx")
    onnx.save(reduced(graph, "int8"), tmp_path / "good.onnx")
    # Frames of one colour say nothing of the ranges that people have.
    grey = np.full((16, HEIGHT, WIDTH, 3), 127, np.uint8)
    onnx.save(quantized(folded(graph), Int8Plan(products="static"), grey), tmp_path / "bad.onnx")
    good = _prepared(tmp_path)
    publish(good, tmp_path / "artifact", PUBLICATION)
    bad = dataclasses.replace(good, file=tmp_path / "bad.onnx")
    with pytest.raises(GateError, match="expected a cosine of at least"):
        publish(bad, tmp_path / "another", PUBLICATION)
    assert not (tmp_path / "another").exists()


PUBLICATION = Publication(
    name="projection",
    version="1",
    provenance=Provenance(
        commit="abc123", data="none", protocol="none", rank_1=None, mean_average_precision=None,
        exporter={}, data_licence="none",
    ),
    card=lambda _: "A card.\n",
)  # fmt: skip


def _prepared(directory):
    return PreparedGraph(
        file=directory / "good.onnx",
        precision="int8",
        input_name="frames",
        preprocessing=Preprocessing(
            frames_per_clip=None,
            choice=FrameChoice(policy="evenly_spaced", most=8),
            height=HEIGHT,
            width=WIDTH,
            interpolation="bilinear_antialias",
            colour="RGB",
        ),
        output=OUTPUT,
        reference=onnx_runner(directory / "reference.onnx"),
    )
