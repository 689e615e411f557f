import pytest
import torch
from safetensors.torch import load_file, save_file

from model.dcct import DCCTConfig
from model.features import embedding
from model.registry import build_model
from model.weights import load_weights, open_network, read_config, save_weights


@pytest.fixture
def weights(tmp_path, small_network):
    path = tmp_path / "weights.safetensors"
    save_weights(path, small_network)
    return path


def test_a_saved_network_opens_as_itself(weights, small_network):
    clips = torch.randn(1, 2, 3, 64, 32)
    with torch.inference_mode():
        torch.testing.assert_close(
            embedding(open_network(weights)(clips).parts),
            embedding(small_network(clips).parts),
            atol=0,
            rtol=0,
        )
    assert read_config(weights) == small_network.config


def test_the_position_grid_follows_the_input_size(weights):
    """A network trained at half size starts the next stage at full size."""
    wider = build_model(DCCTConfig(height=128, width=64))
    load_weights(weights, wider)
    stored = load_file(weights)["transformer.network.pos_embed"]
    grown = wider.state_dict()["transformer.network.pos_embed"]
    assert stored.shape == (1, 1 + 4 * 2, 192)
    assert grown.shape == (1, 1 + 8 * 4, 192)
    torch.testing.assert_close(grown[:, 0], stored[:, 0])


def test_missing_and_unused_tensors_are_named(weights, small_network):
    tensors = load_file(weights)
    tensors["surprise"] = tensors.pop("necks.cnn.norm.weight")
    save_file(tensors, weights, metadata={"config": small_network.config.model_dump_json()})
    with pytest.raises(
        ValueError, match=r"missing \['necks.cnn.norm.weight'\], unused \['surprise'\]"
    ):
        open_network(weights)


def test_misshapen_tensors_are_named(weights, small_network):
    tensors = load_file(weights)
    tensors["necks.cnn.norm.weight"] = torch.ones(3)
    save_file(tensors, weights, metadata={"config": small_network.config.model_dump_json()})
    with pytest.raises(ValueError, match=r"misshapen \['necks.cnn.norm.weight \(3,\) for"):
        open_network(weights)


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


def test_where_the_weights_began_is_remembered(tmp_path, small_network):
    """Opening fetches nothing, and the card still says ImageNet."""
    path = tmp_path / "weights.safetensors"
    began = small_network.config
    small_network.config = began.model_copy(update={"pretrained": True})
    try:
        save_weights(path, small_network)
    finally:
        small_network.config = began
    assert open_network(path).config.pretrained
