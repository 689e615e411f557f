"""CNN branch: any timm CNN cut to its last feature map."""

import timm
import torch
from torch import nn


class CnnBackbone(nn.Module):
    """A timm CNN without pooling and classifier.

    Attributes:
        dimension: Channels of the map.

    Raises:
        ValueError: When the network does not say how many channels it ends with.
    """

    def __init__(self, name: str, *, pretrained: bool) -> None:
        super().__init__()
        network = timm.create_model(name, pretrained=pretrained, num_classes=0, global_pool="")
        if not isinstance(network.num_features, int):
            raise ValueError(  # noqa: TRY004
                f"expected a timm CNN with one number of features, received {name!r}; "
                "choose a classification network by its timm name"
            )
        self.dimension = network.num_features
        self.network = network.to(memory_format=torch.channels_last)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames [f, 3, h, w] → map [f, dimension, h', w'] (h/32 × w/32 for stock strides)."""
        # Channels-last is what CPU and tensor-core convolutions want; the values are the same.
        feature_map: torch.Tensor = self.network(
            frames.contiguous(memory_format=torch.channels_last)
        )
        return feature_map
