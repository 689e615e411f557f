import re

import pytest
import torch
from timm.layers import resample_abs_pos_embed

from model.backbones.timm_conversion import convert
from model.backbones.timm_network import build_network
from tests.model.backbones.clip_layout import to_clip


def assert_fills(converted, state):
    assert converted.keys() >= state.keys()
    for name, value in state.items():
        torch.testing.assert_close(converted[name], value, atol=0, rtol=0)


def state_of(name, size=(64, 32)):
    """A network without content, and random content for it."""
    with torch.device("meta"):
        network = build_network(name, size=size)
    draw = torch.Generator().manual_seed(0)
    state = network.state_dict()
    return network, {key: torch.randn(v.shape, generator=draw) for key, v in state.items()}


@pytest.mark.parametrize("name", ["test_vit", "test_vit2", "vit_small_patch16_dinov3"])
def test_tensors_in_timms_own_layout_pass_through(name):
    network, state = state_of(name)
    converted = convert(state, network, name)
    assert converted.keys() == state.keys()
    assert_fills(converted, state)


@pytest.mark.parametrize("prefix", ["visual.", ""])
def test_the_names_of_openais_clip_become_timms(prefix):
    """With the prefix of the whole file, or the visual tower cut out of it."""
    name = "vit_xsmall_patch16_clip_224"
    network, state = state_of(name)
    clip = {f"{prefix}{key}": value for key, value in to_clip(state).items()}
    assert f"{prefix}ln_post.weight" in clip
    assert_fills(convert(clip, network, name), state)


def test_the_names_of_dinov2_with_registers_become_timms():
    """Its class token has a position of its own, which timm adds to the token."""
    name = "vit_small_patch14_reg4_dinov2"
    network, state = state_of(name, (56, 28))
    dino = dict(state)
    dino["register_tokens"] = dino.pop("reg_token")
    place = torch.randn(1, 1, 384)
    dino["pos_embed"] = torch.cat([place, dino["pos_embed"]], dim=1)
    dino["mask_token"] = torch.zeros(1, 384)
    converted = convert(dino, network, name)
    assert "mask_token" not in converted
    torch.testing.assert_close(converted["cls_token"], state["cls_token"] + place)
    assert_fills({**converted, "cls_token": state["cls_token"]}, state)


def test_the_names_of_dinov3_become_timms():
    name = "vit_small_patch16_dinov3"
    network, state = state_of(name)
    dino = {
        key.replace("gamma_1", "ls1.gamma").replace("gamma_2", "ls2.gamma"): value
        for key, value in state.items()
    }
    dino["storage_tokens"] = dino.pop("reg_token")
    dino["rope_embed.periods"] = torch.ones(16)
    assert_fills(convert(dino, network, name), state)


def test_the_names_of_torchvisions_densenet_become_timms():
    name = "densenet121"
    network, state = state_of(name, None)
    torchvision = {}
    for key, value in state.items():
        old = re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key)
        torchvision[old] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in torchvision
    learned = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert_fills(convert(torchvision, network, name), learned)
    assert "features.denseblock1.denselayer1.norm.1.weight" in torchvision


def test_the_names_of_deit3s_layer_scale_become_timms():
    name = "deit3_small_patch16_224"
    network, state = state_of(name)
    published = {
        key.replace("ls1.gamma", "gamma_1").replace("ls2.gamma", "gamma_2"): value
        for key, value in state.items()
    }
    assert_fills(convert(published, network, name), state)


def test_positions_of_a_square_grid_are_resized_and_the_class_token_kept():
    network, state = state_of("test_vit")
    square = torch.randn(1, 1 + 10 * 10, 64)
    resized = convert({**state, "pos_embed": square}, network, "test_vit")["pos_embed"]
    expected = resample_abs_pos_embed(square, new_size=[4, 2], old_size=[10, 10])
    torch.testing.assert_close(resized, expected, atol=0, rtol=0)
    torch.testing.assert_close(resized[:, 0], square[:, 0], atol=0, rtol=0)


def test_positions_of_no_square_are_those_of_the_proportions_of_the_network():
    """Weights of person re-identification: made for 2:1 frames, here of 128×64 pixels."""
    network, state = state_of("test_vit")
    upright = torch.randn(1, 1 + 8 * 4, 64)
    resized = convert({**state, "pos_embed": upright}, network, "test_vit")["pos_embed"]
    expected = resample_abs_pos_embed(upright, new_size=[4, 2], old_size=[8, 4])
    torch.testing.assert_close(resized, expected, atol=0, rtol=0)


def test_as_many_positions_in_another_grid_are_still_resized():
    network, state = state_of("test_vit", (128, 32))
    square = torch.randn(1, 1 + 4 * 4, 64)
    resized = convert({**state, "pos_embed": square}, network, "test_vit")["pos_embed"]
    expected = resample_abs_pos_embed(square, new_size=[8, 2], old_size=[4, 4])
    torch.testing.assert_close(resized, expected, atol=0, rtol=0)


@pytest.mark.parametrize("grid", [(9, 9), (8, 4)])
def test_positions_without_one_for_the_prefix_are_resized_too(grid):
    name = "vit_small_patch14_reg4_dinov2"
    network, state = state_of(name, (56, 28))
    other = torch.randn(1, grid[0] * grid[1], 384)
    resized = convert({**state, "pos_embed": other}, network, name)["pos_embed"]
    expected = resample_abs_pos_embed(
        other, new_size=[4, 2], old_size=list(grid), num_prefix_tokens=0
    )
    torch.testing.assert_close(resized, expected, atol=0, rtol=0)


def test_relative_positions_are_resized_to_the_windows_of_the_network():
    name = "swin_tiny_patch4_window7_224"
    _, state = state_of(name, (224, 224))
    network, _ = state_of(name, (256, 128))
    converted = convert(state, network, name)
    for key, value in network.state_dict().items():
        assert converted[key].shape == value.shape, key


def test_a_norm_after_pooling_becomes_the_norm_of_the_tokens():
    name = "test_vit2"  # timm pools its patches, and normalises after that
    network, state = state_of(name)
    published = {
        f"fc_{key}" if key.startswith("norm.") else key: value for key, value in state.items()
    }
    assert_fills(convert(published, network, name), state)


def test_a_norm_after_pooling_beside_the_norm_of_the_tokens_stays():
    network, state = state_of("test_vit")
    converted = convert({**state, "fc_norm.weight": torch.ones(64)}, network, "test_vit")
    assert "fc_norm.weight" in converted
    assert_fills(converted, state)


def test_an_architecture_without_conversion_takes_tensors_as_they_are():
    network, state = state_of("test_resnet", None)
    assert_fills(convert(state, network, "test_resnet"), state)


def test_what_the_conversion_stumbles_over_is_said():
    name = "swin_tiny_patch4_window7_224"
    network, _ = state_of(name)
    odd = {"layers.9.relative_position_bias_table": torch.zeros(3, 3)}
    with pytest.raises(ValueError, match="timm cannot convert them: AttributeError .*`9`"):
        convert(odd, network, name)


def test_the_source_size_is_not_remembered():
    network, state = state_of("test_vit")
    convert({**state, "pos_embed": torch.randn(1, 26, 64)}, network, "test_vit")
    assert network.pretrained_model_args == {}
