import dataclasses
import logging

import pytest
import timm
import torch
from safetensors.torch import save_file

from model.backbones.cnn import CnnBackbone
from model.backbones.initial_weights import initialize
from model.backbones.timm_network import build_network
from model.backbones.transformer import TransformerBackbone
from tests.model.backbones.clip_layout import to_clip


@pytest.fixture
def trained():
    torch.manual_seed(5)
    return build_network("test_resnet").state_dict()


def started_from(path, name="test_resnet", size=None):
    torch.manual_seed(6)
    network = build_network(name, size=size)
    initialize(network, name, pretrained=False, weights=path)
    return network.state_dict()


def assert_same(state, expected):
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(state[name], value, atol=0, rtol=0)


def saved(tmp_path, content):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    return path


def prefixed(prefix, state):
    return {f"{prefix}{name}": value for name, value in state.items()}


def other(state):
    return {name: torch.zeros_like(value) for name, value in state.items()}


def test_without_weights_the_network_stays_as_it_was_built():
    torch.manual_seed(6)
    expected = build_network("test_resnet").state_dict()
    assert_same(started_from(None), expected)


def test_a_file_starts_the_network_without_a_word(tmp_path, trained, caplog):
    with caplog.at_level(logging.WARNING):
        save_file(trained, tmp_path / "a.safetensors")
        assert_same(started_from(tmp_path / "a.safetensors"), trained)
        assert_same(started_from(saved(tmp_path, trained)), trained)
    assert caplog.records == []


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state},
        lambda state: prefixed("module.", state),
        lambda state: {"model": {"backbone": prefixed("module.base.", state)}},
        lambda state: {
            "state_dict": {
                **prefixed("module.encoder_q.", state),
                **prefixed("module.encoder_k.", other(state)),
            }
        },
        lambda state: {
            "student": prefixed("backbone.", other(state)),
            "teacher": prefixed("backbone.", state),
        },
        lambda state: {"state_dict": other(state), "state_dict_ema": state},
        lambda state: {"model": other(state), "model_ema": prefixed("module.", state)},
    ],
)
def test_the_group_and_prefix_that_fit_are_found(tmp_path, trained, wrap):
    """Of two networks the averaged one is taken, and of momentum contrast the query encoder."""
    assert_same(started_from(saved(tmp_path, wrap(trained))), trained)


def test_every_tensor_that_finds_no_place_is_named_in_one_warning(tmp_path, trained, caplog):
    content = {
        "state_dict": {
            **prefixed("module.encoder.", {**trained, "fc.weight": torch.ones(1)}),
            "module.queue": torch.ones(2),
        },
        "centre": {"mean": torch.ones(1)},
    }
    path = saved(tmp_path, content)
    with caplog.at_level(logging.WARNING):
        assert_same(started_from(path), trained)
    (record,) = caplog.records
    assert record.name == "model.backbones"
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"3 tensors of {path} found no place in 'test_resnet': "
        "['state_dict.module.encoder.fc.weight', 'state_dict.module.queue', 'centre.mean']"
    )


def test_a_tensor_that_timms_conversion_drops_is_named_too(tmp_path, caplog):
    name = "test_vit"
    state = build_network(name, size=(64, 32)).state_dict()
    path = saved(tmp_path, {**state, "mask_token": torch.ones(1, 64)})
    with caplog.at_level(logging.WARNING, logger="model.backbones"):
        started_from(path, name, (64, 32))
    assert [record.getMessage() for record in caplog.records] == [
        f"1 tensors of {path} found no place in 'test_vit': ['mask_token']"
    ]


def test_the_text_tower_of_clip_is_named(tmp_path, caplog):
    """timm's conversion would drop it in silence, so the visual tower is read by its prefix."""
    name, size = "vit_xsmall_patch16_clip_224", (64, 32)
    state = build_network(name, size=size).state_dict()
    text = {"transformer.resblocks.0.ln_1.bias": torch.ones(1), "logit_scale": torch.ones(1)}
    path = saved(tmp_path, {**prefixed("visual.", to_clip(state)), **text})
    with caplog.at_level(logging.WARNING, logger="model.backbones"):
        assert_same(started_from(path, name, size), state)
    assert [record.getMessage() for record in caplog.records] == [
        f"2 tensors of {path} found no place in '{name}': "
        "['transformer.resblocks.0.ln_1.bias', 'logit_scale']"
    ]


def test_a_missing_tensor_is_refused_by_name(tmp_path, trained):
    del trained["layer1.0.conv1.weight"]
    path = saved(tmp_path, {"state_dict": prefixed("module.", trained)})
    with pytest.raises(
        ValueError,
        match=r"expected every tensor of the network in .*weights.pth for 'test_resnet', received "
        r"1 too few: \['layer1.0.conv1.weight'\]; name the network the file was made for",
    ):
        started_from(path)


def test_of_many_missing_tensors_the_first_are_named_and_all_counted(tmp_path, trained):
    kept = {name: value for name, value in trained.items() if not name.startswith("layer1")}
    learned = [
        name
        for name in trained
        if name.startswith("layer1") and not name.endswith("num_batches_tracked")
    ]
    with pytest.raises(
        ValueError, match=rf"{len(learned)} too few: .* and {len(learned) - 8} more"
    ):
        started_from(saved(tmp_path, kept))


def test_files_older_than_the_counter_of_batch_normalisation_are_complete(tmp_path, trained):
    old = {n: v for n, v in trained.items() if not n.endswith("num_batches_tracked")}
    assert_same(started_from(saved(tmp_path, old)), trained)


def test_a_misshapen_tensor_is_refused_by_name(tmp_path, trained):
    trained["bn1.weight"] = torch.ones(3)
    with pytest.raises(
        ValueError,
        match=r"expected tensors of the network's shapes in .*weights.pth for 'test_resnet', "
        r"received \['bn1.weight \(3,\) for \(32,\)'\]; name the network",
    ):
        started_from(saved(tmp_path, trained))


def test_the_file_of_another_network_is_refused(tmp_path):
    other_network = build_network("test_vit", size=(64, 32)).state_dict()
    path = saved(tmp_path, {"model": other_network})
    with pytest.raises(
        ValueError,
        match=r"expected weights of 'test_resnet' in .*, received \['model.cls_token', .* and 70 "
        r"more, which it has no place for; name the network the file was made for",
    ):
        started_from(path)


def test_why_timm_cannot_convert_a_file_is_said(tmp_path):
    path = saved(tmp_path, {"layers.9.relative_position_bias_table": torch.zeros(3, 3)})
    with pytest.raises(ValueError, match=r"no place for, timm cannot convert them: Attribute.*; n"):
        started_from(path, "swin_s3_tiny_224", (64, 32))


def test_positions_of_a_file_are_resized(tmp_path):
    """Ten by ten patches of 160×160 pixels, as timm's own weights are, for four by two."""
    square = build_network("test_vit", size=(160, 160)).state_dict()
    state = started_from(saved(tmp_path, square), "test_vit", (64, 32))
    assert state["pos_embed"].shape == (1, 9, 64)
    torch.testing.assert_close(state["pos_embed"][:, 0], square["pos_embed"][:, 0])


def published(monkeypatch, name, path):
    """Let timm find the weights of `name` in a file, where it would fetch them."""
    registry = timm.models._registry._model_pretrained_cfgs
    source = dataclasses.replace(registry[name], file=str(path), hf_hub_id=None, url=None)
    monkeypatch.setitem(registry, name, source)


def classifier_of(name):
    return timm.create_model(name).state_dict()


def test_pretrained_weights_come_through_timm(tmp_path, monkeypatch, caplog):
    whole = classifier_of("test_resnet.r160_in1k")
    save_file(whole, tmp_path / "whole.safetensors")
    published(monkeypatch, "test_resnet.r160_in1k", tmp_path / "whole.safetensors")
    with caplog.at_level(logging.WARNING, logger="model.backbones"):
        backbone = CnnBackbone("test_resnet.r160_in1k", pretrained=True)
    assert caplog.records == []
    headless = {name: value for name, value in whole.items() if not name.startswith("fc.")}
    assert_same(backbone.network.state_dict(), headless)


def test_pretrained_positions_are_resized_and_unused_tensors_named(tmp_path, monkeypatch, caplog):
    whole = classifier_of("test_vit.r160_in1k")
    save_file({**whole, "surprise": torch.ones(1)}, tmp_path / "whole.safetensors")
    published(monkeypatch, "test_vit.r160_in1k", tmp_path / "whole.safetensors")
    with caplog.at_level(logging.WARNING, logger="model.backbones"):
        backbone = TransformerBackbone(
            "test_vit.r160_in1k", size=(64, 32), drop_path=0.0, pretrained=True
        )
    assert backbone.network.pos_embed.shape == (1, 9, 64)
    torch.testing.assert_close(
        backbone.network.blocks[0].attn.qkv.weight.data, whole["blocks.0.attn.qkv.weight"]
    )
    ours = [record for record in caplog.records if record.name == "model.backbones"]
    assert [record.getMessage() for record in ours] == [
        "1 tensors of what timm fetched found no place in 'test_vit.r160_in1k': ['surprise']"
    ]


def test_incomplete_pretrained_weights_are_refused(tmp_path, monkeypatch):
    whole = classifier_of("test_resnet.r160_in1k")
    del whole["conv1.0.weight"]
    save_file(whole, tmp_path / "whole.safetensors")
    published(monkeypatch, "test_resnet.r160_in1k", tmp_path / "whole.safetensors")
    with pytest.raises(
        ValueError,
        match=r"expected every tensor of the network in what timm fetched for "
        r"'test_resnet.r160_in1k', received 1 too few: \['conv1.0.weight'\]",
    ):
        CnnBackbone("test_resnet.r160_in1k", pretrained=True)


def test_weights_that_cannot_be_fetched_are_refused_with_a_way_out(tmp_path, monkeypatch):
    published(monkeypatch, "test_resnet.r160_in1k", tmp_path / "missing.safetensors")
    with pytest.raises(
        ValueError,
        match=r"expected timm to fetch the weights of 'test_resnet.r160_in1k', received: .*; "
        r"connect this machine, choose one of \['test_resnet.r160_in1k'\], give a local file of "
        r"weights, or set pretrained to false",
    ):
        CnnBackbone("test_resnet.r160_in1k", pretrained=True)


def test_an_architecture_without_published_weights_is_refused():
    network = build_network("resnet10t")
    network.pretrained_cfg = {"architecture": "resnet10t"}
    with pytest.raises(ValueError, match="received: No pretrained weights exist for resnet10t"):
        initialize(network, "resnet10t", pretrained=True, weights=None)


def test_a_file_goes_before_fetching(tmp_path, monkeypatch, trained):
    published(monkeypatch, "test_resnet.r160_in1k", tmp_path / "missing.safetensors")
    path = saved(tmp_path, trained)
    backbone = CnnBackbone("test_resnet.r160_in1k", pretrained=True, weights=path)
    assert_same(backbone.network.state_dict(), trained)
