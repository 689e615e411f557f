from itertools import pairwise

import pytest
from torch import nn

from model.registry import build_model
from tests.tiny_models import tiny_dcct
from training.layer_rates import layer_scales
from training.optim import build_optimizer
from training.optim_config import OptimizerConfig


@pytest.fixture(scope="module")
def network():
    return build_model(tiny_dcct(spatial="gap", temporal="tap"))


def test_scales_fall_towards_the_pixels(network):
    scales = layer_scales(network, 0.5)
    blocks = network.transformer.network.blocks
    by_block = [scales[block.norm1.weight] for block in blocks]
    assert by_block == sorted(by_block)
    assert all(deep == 2 * shallow for shallow, deep in pairwise(by_block))
    assert max(scales.values()) == 1.0
    assert scales[network.cnn.network.conv_stem.weight] == min(
        scales[parameter] for parameter in network.cnn.parameters()
    )


def test_new_layers_have_no_scale(network):
    assert network.necks["cnn"].norm.weight not in layer_scales(network, 0.5)


def test_without_decay_all_scales_are_one(network):
    assert set(layer_scales(network, 1.0).values()) == {1.0}


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_every_parameter_learns_at_the_scaled_rate(network, name):
    heads = nn.Linear(2, 2)
    config = OptimizerConfig(name=name, learning_rate=0.1, layer_decay=0.5)
    optimizer = build_optimizer(network, heads, config)
    rates = {p: group["lr"] for group in optimizer.param_groups for p in group["params"]}
    learned = [p for p in network.parameters() if p.requires_grad]
    assert rates.keys() == {*learned, *heads.parameters()}
    for parameter, scale in layer_scales(network, 0.5).items():
        assert rates[parameter] == pytest.approx(0.1 * scale)
    assert rates[network.necks["cnn"].norm.weight] == pytest.approx(0.2)


def test_a_network_without_known_layers_is_refused():
    with pytest.raises(ValueError, match="layers timm can tell apart .*; leave layer_decay out"):
        layer_scales(nn.Linear(2, 2), 0.5)
