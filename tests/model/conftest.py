import pytest
import torch

from model.dcct import DCCTConfig
from model.registry import build_model

# Small enough to run in a moment; the same code as the light pair at 256×128.
SMALL = DCCTConfig(height=64, width=32, drop_path=0.0)


@pytest.fixture(scope="session")
def small_network():
    torch.manual_seed(0)
    return build_model(SMALL).eval()
