import pytest
import torch

from model.features import TrackletFeatures
from training.heads import HintShape, TrainingHeads


@pytest.fixture
def features():
    frames = {"cnn": torch.randn(2, 3, 16), "transformer": torch.randn(2, 3, 8)}
    clip = {
        "cnn": torch.randn(2, 16),
        "transformer": torch.randn(2, 8),
        "final": torch.randn(2, 24),
    }
    return TrackletFeatures(frames, {n: f + 1 for n, f in frames.items()}, clip, clip, {})


def test_one_classifier_without_bias_per_part(features):
    heads = TrainingHeads({"cnn": 16, "transformer": 8, "final": 24}, 10)
    assert sum(p.numel() for p in heads.parameters()) == (16 + 8 + 24) * 10
    outputs = heads(features)
    assert {name: rows.shape for name, rows in outputs.logits.items()} == {
        "cnn": (2, 3, 10),
        "transformer": (2, 3, 10),
        "final": (2, 10),
    }
    assert outputs.hints == {}


def test_frames_are_classified_after_their_neck(features):
    heads = TrainingHeads({"cnn": 16}, 4)
    torch.testing.assert_close(
        heads(features).logits["cnn"], heads.classifiers["cnn"](features.frame_features["cnn"])
    )


def test_hints_take_frames_before_their_neck_to_the_width_of_the_teacher(features):
    shape = HintShape("linear", student_dimensions={"cnn": 16}, teacher_dimension=24)
    heads = TrainingHeads({"cnn": 16}, 4, hints=shape)
    torch.testing.assert_close(
        heads(features).hints["cnn"], heads.hints["cnn"](features.frame_globals["cnn"])
    )


def test_bottleneck_hints_have_the_parameters_of_the_specification():
    for dimension, expected in ((2048, 2_494_720), (768, 691_520)):
        shape = HintShape("bottleneck", student_dimensions={"x": dimension}, teacher_dimension=2816)
        with torch.device("meta"):
            heads = TrainingHeads({}, 1, hints=shape)
        assert sum(p.numel() for p in heads.parameters()) == expected


def test_hints_treat_every_frame_as_a_row():
    shape = HintShape("bottleneck", student_dimensions={"cnn": 16}, teacher_dimension=24)
    heads = TrainingHeads({}, 1, hints=shape).eval()
    rows = torch.randn(2, 3, 16)
    hints = heads(TrackletFeatures({"cnn": rows}, {}, {}, {}, {})).hints["cnn"]
    alone = heads(TrackletFeatures({"cnn": rows[1:, 2:]}, {}, {}, {}, {})).hints["cnn"]
    assert hints.shape == (2, 3, 24)
    torch.testing.assert_close(hints[1, 2], alone[0, 0])


def test_classifiers_start_near_zero():
    torch.manual_seed(0)
    weight = TrainingHeads({"cnn": 500}, 100).classifiers["cnn"].weight
    assert 0.0009 < weight.std() < 0.0011
