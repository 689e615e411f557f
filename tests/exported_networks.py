"""A network of every kind of the registry, small enough to be exported in a test."""

import torch

from model.registry import build_model, parse_config
from tests.tiny_models import tiny_dcct

SIZE = (64, 32)
CLIP_FRAMES = 4
_SHAPE = {"height": SIZE[0], "width": SIZE[1], "clip_frames": CLIP_FRAMES}
_RESNET = {"backbone": "test_resnet", **_SHAPE}
_NONLOCAL = {**_RESNET, "nonlocal_blocks": (1, 1)}

CONFIGS = {
    "student": tiny_dcct(spatial="gap", temporal="tap"),
    "dcct": tiny_dcct(),
    "grl": parse_config({"kind": "grl", **_RESNET}),
    "nvan": parse_config({"kind": "nvan", **_NONLOCAL}),
    "ste-nvan": parse_config({"kind": "ste-nvan", **_NONLOCAL, "stripes": 4}),
    "temporal-pooling": parse_config({"kind": "temporal-pooling", "pooling": "max", **_RESNET}),
}


def trained_network(name):
    """With statistics as training would leave them, in evaluation mode."""
    torch.manual_seed(0)
    network = build_model(CONFIGS[name]).train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randn(8, CLIP_FRAMES, 3, *SIZE))
    return network.eval()
