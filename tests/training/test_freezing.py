import pytest

from model.registry import build_model
from tests.tiny_models import tiny_dcct
from training.freezing import Freezer
from training.optim_config import FreezingConfig


@pytest.fixture
def network():
    return build_model(tiny_dcct(spatial="gap", temporal="tap"))


def learning(module):
    return {parameter.requires_grad for parameter in module.parameters()}


def test_nothing_is_frozen_without_a_configuration(network):
    before = {name: p.requires_grad for name, p in network.named_parameters()}
    Freezer(network.eval(), None, steps_per_epoch=1).train_mode(0)
    assert {name: p.requires_grad for name, p in network.named_parameters()} == before
    assert all(module.training for module in network.modules())


def test_named_modules_stand_still_for_the_first_epochs(network):
    config = FreezingConfig(modules=("cnn", "necks"), epochs=2)
    freezer = Freezer(network, config, steps_per_epoch=3)
    for step in range(6):
        freezer.train_mode(step)
        assert learning(network.cnn) == {False}
        assert not network.cnn.network.bn1.training
        assert learning(network.transformer) == {True}
        assert network.transformer.training
    freezer.train_mode(6)
    assert learning(network.cnn) == {True}
    assert network.cnn.network.bn1.training
    # What never learns does not begin to: the neck's bias (spec §1.3).
    assert not network.necks["cnn"].norm.bias.requires_grad
    assert network.necks["cnn"].norm.weight.requires_grad


def test_without_epochs_they_never_learn(network):
    freezer = Freezer(network, FreezingConfig(modules=("cnn",)), steps_per_epoch=1)
    freezer.train_mode(10_000)
    assert learning(network.cnn) == {False}


def test_frozen_statistics_leave_weights_learning(network):
    freezer = Freezer(network, FreezingConfig(batch_norm=True), steps_per_epoch=1)
    freezer.train_mode(0)
    assert not network.cnn.network.bn1.training
    assert network.cnn.network.bn1.weight.requires_grad
    assert network.cnn.training


@pytest.mark.parametrize("name", ["cnm", ""])
def test_an_unknown_module_is_refused(network, name):
    with pytest.raises(ValueError, match=r"freezing.modules among \['cnn', .*, received '.*'; cor"):
        Freezer(network, FreezingConfig(modules=(name,)), steps_per_epoch=1)
