import pytest
import torch

from model.registry import build_model
from tests.tiny_models import tiny_dcct
from training.exponential_average import ExponentialAverage

NAME = "cnn.network.conv_stem.weight"


@pytest.fixture
def network():
    return build_model(tiny_dcct(spatial="gap", temporal="tap"))


def test_the_average_equals_the_textbook_recurrence(network):
    average = ExponentialAverage(network, 0.15)
    expected = network.get_parameter(NAME).detach().clone()
    for step in range(4):
        with torch.no_grad():
            network.get_parameter(NAME).add_(1.0)
        decay = min(0.15, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * network.get_parameter(NAME).detach()
        average.update(network)
    torch.testing.assert_close(average.network.get_parameter(NAME), expected)
    assert average.updates == 4


def test_a_network_that_stands_still_is_its_own_average(network):
    average = ExponentialAverage(network, 0.9)
    average.update(network)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(average.network.state_dict()[name], tensor)


def test_counters_are_copied_and_nothing_learns(network):
    average = ExponentialAverage(network, 0.9)
    network.get_buffer("necks.cnn.norm.num_batches_tracked").fill_(7)
    average.update(network)
    assert average.network.get_buffer("necks.cnn.norm.num_batches_tracked") == 7
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    assert not average.network.training
