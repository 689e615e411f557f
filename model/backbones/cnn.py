"""CNN branch: any timm CNN cut to its last feature map."""

import difflib

import timm
import torch
from torch import nn


class CnnBackbone(nn.Module):
    """A timm CNN without pooling and classifier.

    Attributes:
        dimension: Channels of the map.

    Raises:
        ValueError: When timm has no network of that name, or it does not end in a map.
    """

    def __init__(self, name: str, *, pretrained: bool) -> None:
        super().__init__()
        require_known(name)
        network = timm.create_model(name, pretrained=pretrained, num_classes=0, global_pool="")
        self.dimension = _map_channels(name, network)
        self.network = network.to(memory_format=torch.channels_last)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames [f, 3, h, w] → map [f, dimension, h', w'] (h/32 × w/32 for stock strides)."""
        # Channels-last is what CPU and tensor-core convolutions want; the values are the same.
        feature_map: torch.Tensor = self.network(
            frames.contiguous(memory_format=torch.channels_last)
        )
        return feature_map


def require_known(name: str) -> None:
    """Raise a ValueError with the nearest names when timm has no network called `name`."""
    if timm.is_model(name):
        return
    close = difflib.get_close_matches(name, timm.list_models(), n=3)
    raise ValueError(
        f"expected the name of a timm network, received {name!r}; did you mean one of {close}?"
    )


def _map_channels(name: str, network: nn.Module) -> int:
    """Channels of the map that `network` ends in, found by running it once on nothing."""
    network.eval()
    try:
        with torch.no_grad():
            shape = list(network(torch.zeros(1, 3, 64, 64)).shape)
    except (AssertionError, RuntimeError):  # a Transformer refuses another input size
        shape = []
    network.train()
    if len(shape) != 4 or shape[1] < shape[2]:
        raise ValueError(
            f"expected a CNN that ends in a map [f, c, h, w], received {name!r} with "
            f"{shape}; choose a CNN by its timm name"
        )
    channels: int = shape[1]
    return channels
