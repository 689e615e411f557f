import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model.dcct import DCCT
from model.dcct_config import DCCTConfig
from model.features import embedding
from model.layers.content_attention import ComplementaryContentAttention
from model.layers.temporal_aggregation import HierarchicalTemporalAggregation
from model.registry import build_model
from model.related.temporal_pooling import TemporalPoolingConfig
from model.weights import load_weights, open_network, open_student, read_config, save_weights
from tests.small_models import small_student

SMALL = {
    "cnn": "test_resnet",
    "transformer": "test_vit",
    "height": 64,
    "width": 32,
    "clip_frames": 4,
    "drop_path": 0.0,
}


def built(seed=0, **changes):
    """A small network whose every tensor has content, statistics of the necks included."""
    torch.manual_seed(seed)
    network = build_model(DCCTConfig.model_validate({**SMALL, **changes})).eval()
    for neck in network.necks.children():
        neck.norm.running_mean.normal_()
        neck.norm.running_var.uniform_(0.5, 2)
    return network


@pytest.fixture
def full():
    return built()


@pytest.fixture
def weights(tmp_path, full):
    path = tmp_path / "weights.safetensors"
    save_weights(path, full)
    return path


@pytest.fixture
def clips():
    return torch.randn(2, 4, 3, 64, 32, generator=torch.Generator().manual_seed(1))


def rewrite(path, change):
    """Change the tensors of a file, and leave its configuration."""
    config = read_config(path)
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"config": config.model_dump_json()})


def test_a_saved_network_opens_as_itself(weights, full, clips):
    opened = open_network(weights)
    with torch.inference_mode():
        torch.testing.assert_close(opened.embed(clips), full.embed(clips), atol=0, rtol=0)
    assert not opened.training
    assert read_config(weights) == opened.config == full.config


def test_a_network_of_another_size_takes_its_positions(weights):
    """A network trained at half size starts the next stage at full size."""
    wider = built(seed=1, height=128, width=64)
    load_weights(weights, wider)
    stored, grown = load_file(weights), wider.state_dict()
    name = "transformer.network.pos_embed"
    assert stored[name].shape == (1, 1 + 4 * 2, 64)
    assert grown[name].shape == (1, 1 + 8 * 4, 64)
    torch.testing.assert_close(grown[name][:, 0], stored[name][:, 0])
    for other, value in stored.items():
        if other != name:
            torch.testing.assert_close(grown[other], value, atol=0, rtol=0)


def test_frames_of_another_shape_and_as_many_patches_take_their_positions(weights):
    lying = built(seed=1, height=32, width=64)
    load_weights(weights, lying)
    name = "transformer.network.pos_embed"
    stored, moved = load_file(weights)[name], lying.state_dict()[name]
    assert moved.shape == stored.shape
    assert not torch.allclose(moved[:, 1:], stored[:, 1:])


@pytest.mark.parametrize("frames", [2, 6])
def test_a_network_of_another_clip_length_sees_as_the_trained_one_sees_such_clips(
    weights, full, frames
):
    """The trained network stretches its positions when it runs; loading stretches them for good."""
    other = built(seed=1, clip_frames=frames)
    load_weights(weights, other)
    clips = torch.randn(2, frames, 3, 64, 32)
    name = "temporal.aggregated.0.positions"
    assert other.state_dict()[name].shape[1] == frames
    with torch.inference_mode():
        expected, received = full(clips).parts, other(clips).parts
    for part in expected:
        torch.testing.assert_close(received[part], expected[part], atol=1e-5, rtol=1e-5)


def test_the_transformer_of_any_model_takes_its_positions(tmp_path):
    torch.manual_seed(0)
    config = TemporalPoolingConfig(
        architecture="transformer", backbone="test_vit", height=64, width=32
    )
    save_weights(tmp_path / "floor.safetensors", build_model(config))
    wider = build_model(config.model_copy(update={"height": 128, "width": 64}))
    load_weights(tmp_path / "floor.safetensors", wider)
    assert wider.backbone.network.pos_embed.shape == (1, 1 + 8 * 4, 64)


def test_missing_and_unused_tensors_are_named(weights):
    rewrite(weights, lambda tensors: tensors.update(surprise=tensors.pop("necks.cnn.norm.weight")))
    with pytest.raises(
        ValueError,
        match=r"expected the tensors of the configured model in .*, received missing "
        r"\['necks.cnn.norm.weight'\], unused \['surprise'\], misshapen \[\]; use the config",
    ):
        open_network(weights)


def test_misshapen_tensors_are_named(weights):
    rewrite(weights, lambda tensors: tensors.update({"necks.cnn.norm.weight": torch.ones(3)}))
    with pytest.raises(ValueError, match=r"misshapen \['necks.cnn.norm.weight \(3,\) for"):
        open_network(weights)


def test_another_network_is_refused_even_at_another_size(weights):
    other = built(seed=1, cnn="test_efficientnet", height=128, width=64)
    with pytest.raises(ValueError, match=r"missing \['cnn.network.*and \d+ more, unused \['cnn"):
        load_weights(weights, other)


def test_a_file_that_is_not_safetensors_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(ValueError, match="expected a safetensors file at"):
        read_config(path)
    with pytest.raises(ValueError, match="expected a safetensors file at"):
        read_config(tmp_path / "missing.safetensors")


def test_a_file_without_configuration_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(ValueError, match="expected a model configuration inside"):
        read_config(path)


@pytest.mark.parametrize("opens", [open_network, open_student])
def test_where_the_weights_began_is_remembered_and_not_needed(weights, tmp_path, opens):
    """Opening fetches nothing and reads no other file, and the card still says where it began."""
    config = read_config(weights)
    began = {"pretrained": True, "cnn_weights": tmp_path / "gone.pth"}
    content = config.model_copy(update=began).model_dump_json()
    save_file(load_file(weights), weights, metadata={"config": content})
    opened = opens(weights).config
    assert opened.pretrained
    assert opened.cnn_weights == tmp_path / "gone.pth"


def same_parts(student, full, clips):
    with torch.inference_mode():
        kept, whole = student(clips).parts, full(clips).parts
    assert list(kept) == list(student.embedding_parts)
    for part, rows in kept.items():
        torch.testing.assert_close(rows, whole[part], atol=0, rtol=0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"preset": "paper"},
        {"preset": "reference"},
        {"spatial": "sap", "temporal": "lstm"},
        {"spatial": "gap"},
        {"temporal": "tap"},
        {"spatial": "gap", "temporal": "tap"},
        {"transformer": None, "spatial": "sap", "temporal": "tap"},
        {"embedding": ("final",)},
    ],
)
def test_the_student_sees_exactly_the_base_parts_of_the_whole(tmp_path, clips, changes):
    full = built(**changes)
    save_weights(tmp_path / "weights.safetensors", full)
    student = open_student(tmp_path / "weights.safetensors")
    assert list(student.part_dimensions) == list(full.config.branches)
    assert not student.training
    same_parts(student, full, clips)


def test_the_student_of_the_light_pair(tmp_path, clips):
    full = built(cnn="mobilenetv2_100", transformer="deit_tiny_patch16_224")
    save_weights(tmp_path / "weights.safetensors", full)
    student = open_student(tmp_path / "weights.safetensors")
    assert student.part_dimensions == {"cnn": 1280, "transformer": 192}
    same_parts(student, full, clips)


def test_a_student_builds_neither_content_attention_nor_temporal_aggregation(weights, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("built")

    monkeypatch.setattr(ComplementaryContentAttention, "__init__", refuse)
    monkeypatch.setattr(HierarchicalTemporalAggregation, "__init__", refuse)
    student = open_student(weights)
    assert isinstance(student, DCCT)
    assert {name.split(".")[0] for name in student.state_dict()} == {"cnn", "transformer", "necks"}


def test_a_saved_student_is_its_own_student(weights, tmp_path, clips):
    student = open_student(weights)
    save_weights(tmp_path / "student.safetensors", student)
    again = open_student(tmp_path / "student.safetensors")
    assert again.config == student.config
    with torch.inference_mode():
        torch.testing.assert_close(
            embedding(again(clips).parts), embedding(student(clips).parts), atol=0, rtol=0
        )


def test_the_student_of_another_kind_of_model_is_refused(tmp_path):
    path = tmp_path / "floor.safetensors"
    save_weights(path, build_model(TemporalPoolingConfig(backbone="test_resnet")))
    with pytest.raises(
        ValueError,
        match=r"expected the weights of a dcct in .*, received those of 'temporal-pooling', which "
        r"has no student; open the whole network",
    ):
        open_student(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("necks.cnn.norm.weight"), r"missing \['necks.cnn.norm.weight'\], unused "),
        (lambda t: t.update(surprise=torch.ones(1)), r"missing \[\], unused \['surprise'\], "),
        (
            lambda t: t.update({"necks.unknown.norm.weight": torch.ones(1)}),
            r"unused \['necks.unknown.norm.weight'\]",
        ),
        (
            lambda t: t.update({"cnn.network.bn1.weight": torch.ones(3)}),
            r"misshapen \['cnn.network.bn1.weight \(3,\) for",
        ),
        (
            lambda t: [t.pop(name) for name in list(t) if name.startswith("temporal.")],
            r"missing \['temporal.\*'\], unused \[\]",
        ),
        (
            lambda t: [t.pop(name) for name in list(t) if name.startswith("necks.final.")],
            r"missing \['necks.final.\*'\], unused \[\]",
        ),
    ],
)
def test_a_file_that_is_not_exactly_a_dcct_has_no_student(weights, change, message):
    rewrite(weights, change)
    with pytest.raises(ValueError, match=message):
        open_student(weights)


def test_tensors_that_the_configuration_has_no_module_for_are_refused(tmp_path):
    """Left over tensors are not forgiven because they look like temporal aggregation."""
    path = tmp_path / "weights.safetensors"
    save_weights(path, built(temporal="tap"))
    rewrite(path, lambda tensors: tensors.update({"temporal.lstm.bias_ih_l0": torch.ones(1)}))
    with pytest.raises(ValueError, match=r"unused \['temporal.lstm.bias_ih_l0'\]"):
        open_student(path)


def test_the_configuration_is_text_inside_the_file(weights, full):
    with safe_open(weights, framework="pt") as stored:
        assert json.loads(stored.metadata()["config"]) == json.loads(full.config.model_dump_json())


def test_a_saved_file_tells_no_folder_of_this_machine(tmp_path):
    network = build_model(small_student())
    started = tmp_path / "private" / "resnet.safetensors"
    network.config = network.config.model_copy(update={"cnn_weights": started})
    path = tmp_path / "weights.safetensors"
    save_weights(path, network)
    assert b"private" not in path.read_bytes()
    assert str(read_config(path).cnn_weights) == "resnet.safetensors"
