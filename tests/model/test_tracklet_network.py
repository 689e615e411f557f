import re
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from model.features import TrackletFeatures, embedding
from model.tracklet_network import ModelConfig, TrackletNetwork


class TwoWeightsConfig(ModelConfig):
    kind: str = "two-weights"
    cnn_weights: Path | None = None
    transformer_weights: Path | None = None
    weights_note: Path | None = None


class Brightness(TrackletNetwork):
    """Parts that can be worked out by hand: mean and maximum of each colour."""

    @property
    def part_dimensions(self):
        return {"mean": 3, "maximum": 3}

    def forward(self, clips):
        colours = clips.flatten(3).transpose(1, 2).flatten(2)
        parts = {"mean": colours.mean(2), "maximum": colours.amax(2)}
        return TrackletFeatures({}, {}, parts, parts, {})


class OnlyMaximum(Brightness):
    @property
    def embedding_parts(self):
        return ("maximum",)


@pytest.fixture
def clips():
    return torch.randn(2, 3, 3, 8, 4, generator=torch.Generator().manual_seed(0))


def test_all_parts_make_the_embedding_unless_a_model_says_otherwise(clips):
    network = Brightness(ModelConfig(kind="brightness"))
    parts = network(clips).parts
    assert network.embedding_parts == ("mean", "maximum")
    assert network.embedding_dimensions == {"mean": 3, "maximum": 3}
    torch.testing.assert_close(network.embed(clips), embedding(parts))


def test_a_part_that_is_not_of_the_embedding_stays_out_of_it(clips):
    network = OnlyMaximum(ModelConfig(kind="brightness"))
    assert network.embedding_dimensions == {"maximum": 3}
    expected = torch.nn.functional.normalize(network(clips).parts["maximum"], dim=1)
    torch.testing.assert_close(network.embed(clips), expected)


def test_a_model_sees_clips_and_has_no_backbone_unless_it_says_otherwise():
    network = Brightness(ModelConfig(kind="brightness"))
    assert network.batching_unit == "clip"
    assert network.backbone_modules == ()


def test_a_model_of_clips_refuses_single_frames():
    network = Brightness(ModelConfig(kind="brightness", height=64, width=32, clip_frames=5))
    message = (
        "expected a model whose embedding is a mean over frames, received brightness at 64×32, "
        "which sees clips of 5 frames; give it clips, or take the backbones-only student of a DCCT"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        network.frame_parts(torch.zeros(1, 3, 64, 32))


def test_local_weight_files_are_listed_by_the_field_that_names_them():
    config = TwoWeightsConfig(cnn_weights=Path("a.safetensors"), weights_note=Path("b.txt"))
    assert config.initial_weight_files() == {"cnn_weights": Path("a.safetensors")}
    assert ModelConfig(kind="x").initial_weight_files() == {}


def test_an_uninitialized_model_fetches_and_reads_nothing_and_is_otherwise_the_same():
    config = TwoWeightsConfig(
        height=64,
        pretrained=True,
        cnn_weights=Path("a.safetensors"),
        transformer_weights=Path("b.safetensors"),
        weights_note=Path("c.txt"),
    )
    bare = config.uninitialized()
    assert bare == TwoWeightsConfig(height=64, weights_note=Path("c.txt"))
    assert config.pretrained
    assert bare.uninitialized() == bare


def test_sizes_default_to_the_papers():
    config = ModelConfig(kind="x")
    assert (config.height, config.width, config.clip_frames) == (256, 128, 8)
    assert not config.pretrained


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"height": 31}, "height\n  Input should be greater than or equal to 32"),
        ({"width": 31}, "width\n  Input should be greater than or equal to 32"),
        ({"clip_frames": 0}, "clip_frames\n  Input should be greater than or equal to 1"),
        ({"widht": 128}, "widht\n  Extra inputs are not permitted"),
    ],
)
def test_impossible_sizes_and_unknown_keys_are_refused(wrong, complaint):
    with pytest.raises(ValidationError, match=complaint):
        ModelConfig(kind="x", **wrong)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        ModelConfig(kind="x").height = 64
