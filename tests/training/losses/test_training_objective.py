import json

import pytest
import torch
from rich.progress import Progress

from training.data.clip_dataset import Clip
from training.run_log import STEPS_FILE
from training.trainer import Trainer

RESNET = {"backbone": "test_resnet", "height": 64, "width": 32, "clip_frames": 2}
NVAN_TRIPLET = {"margin": "soft", "distance": "euclidean", "before_neck": True}


@pytest.fixture
def config_of(small_config):
    def build(kind, name, **losses):
        model = {"kind": kind, **RESNET}
        if kind == "nvan":
            model["nonlocal_blocks"] = (1, 1)
        return small_config(name, model=model, losses=losses)

    return build


def fit(config, tracklets, steps):
    trainer = Trainer(config, tracklets)
    with Progress(disable=True) as progress:
        trainer.fit(progress, stop_after_steps=steps)
    return trainer


def lines(config):
    return [json.loads(line) for line in (config.run_dir / STEPS_FILE).read_text().splitlines()]


@pytest.mark.parametrize(
    ("kind", "losses", "terms"),
    [
        (
            "grl",
            {"grl": {}},
            {"high_identity", "pooled_identity", "low_identity", "pooled_verification",
             "pooled_triplet"},
        ),
        (
            "nvan",
            {"triplet": NVAN_TRIPLET, "circle": {"scale": 16}, "centre": {}},
            {"clip_identity", "clip_triplet", "clip_circle", "clip_centre"},
        ),
    ],
)  # fmt: skip
def test_what_is_remembered_survives_an_interruption(
    config_of, drawn_tracklets, kind, losses, terms
):
    whole, cut = config_of(kind, "whole", **losses), config_of(kind, "cut", **losses)
    expected = fit(whole, drawn_tracklets, 2).objective.state_dict()
    fit(cut, drawn_tracklets, 1)
    received = fit(cut, drawn_tracklets, 1).objective.state_dict()
    for name, tensor in expected.items():
        assert torch.equal(received[name], tensor), name
    remembered = [name for name in expected if name.endswith(("table", "centres"))]
    assert all(expected[name].abs().sum() > 0 for name in remembered)
    assert remembered
    assert terms < lines(whole)[0].keys()
    assert [line["loss"] for line in lines(cut)] == [line["loss"] for line in lines(whole)]


def test_a_step_that_is_refused_leaves_no_trace_in_the_tables(config_of, drawn_tracklets):
    trainer = Trainer(config_of("grl", "run", grl={}), drawn_tracklets)
    clips = Clip(torch.randn(4, 2, 3, 64, 32), torch.tensor([0, 0, 1, 1]))
    next(trainer.network.backbone.parameters()).register_hook(lambda g: g * torch.nan)
    with pytest.raises(FloatingPointError, match="expected a finite gradient"):
        trainer.train_step(clips)
    assert trainer.objective.high.table.abs().sum() == 0
