import pytest
import torch

from model.registry import build_model
from tests.small_models import small_dcct, small_student


@pytest.fixture(scope="session")
def small_network():
    """The backbones-only student."""
    return build(small_student())


@pytest.fixture(scope="session")
def small_full_network():
    """With content attention and hierarchical temporal aggregation."""
    return build(small_dcct())


def build(config):
    torch.manual_seed(0)
    network = build_model(config).eval()
    # A fresh batch normalisation changes next to nothing, and its absence would not show.
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return network
