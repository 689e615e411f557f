import json

import pytest
import torch
from rich.progress import Progress

from benchmarks import model_step
from benchmarks.model_step import BASELINE, CONFIGS, VARIANTS, RunnableVariant, Variant, measure
from model.backbones.cnn import CnnBackbone
from model.registry import build_model
from tests.tiny_models import tiny_dcct

SHORT = {"tracklets": 2, "frames": 2, "rounds": 1, "device": torch.device("cpu")}


def measured(variants, **changes):
    with Progress(disable=True) as progress:
        return measure(
            {"small": tiny_dcct()}, variants=variants, progress=progress, **{**SHORT, **changes}
        )


def test_every_registered_model_can_be_measured():
    assert {"dcct", "student", "grl", "nvan", "ste-nvan", "temporal-pooling"} <= CONFIGS.keys()
    assert VARIANTS[0] == BASELINE


def test_ratios_are_to_eager_float32_of_the_same_run():
    rows = measured([BASELINE, Variant("bf16", bf16=True)]).rows
    assert [row.variant for row in rows] == ["eager float32", "bf16"]
    assert rows[0].forward_speedup == rows[0].step_speedup == 1.0
    assert rows[1].forward_speedup == pytest.approx(rows[0].forward_s / rows[1].forward_s)
    assert rows[1].step_speedup == pytest.approx(rows[0].step_s / rows[1].step_s)


def test_a_compiled_variant_runs_forward_and_backward():
    compiled = Variant("compiled", compiled=True)
    rows = measured([BASELINE, compiled], backend="aot_eager").rows
    assert rows[1].step_s > 0


def test_a_step_runs_backward_and_leaves_no_gradient():
    network = build_model(tiny_dcct())
    called = []
    network.cnn.network.conv_stem.weight.register_hook(called.append)
    run = RunnableVariant(network, BASELINE, backend="eager")
    run.step_s(torch.randn(2, 2, 3, 64, 32))
    assert len(called) == 1
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_layout_reaches_the_weights():
    network = build_model(tiny_dcct())
    stem = network.cnn.network.conv_stem.weight
    assert isinstance(network.cnn, CnnBackbone)
    clips = torch.randn(2, 2, 3, 64, 32)
    for variant in (BASELINE, Variant("channels-last", channels_last=True)):
        RunnableVariant(network, variant, backend="eager").forward_s(clips)
        is_last = stem.is_contiguous(memory_format=torch.channels_last)
        assert is_last == variant.channels_last


def test_the_command_prints_json(monkeypatch, capsys):
    monkeypatch.setattr(model_step, "CONFIGS", {"small": tiny_dcct()})
    model_step.main(
        ["--model", "small", "--no-compile", "--json", "--rounds", "1", "--frames", "2"]
    )
    content = json.loads(capsys.readouterr().out)
    assert [row["variant"] for row in content["rows"]] == [
        variant.name for variant in VARIANTS if not variant.compiled
    ]
    assert content["frames"] == 2
