"""CNN branch: any timm CNN cut to its last feature map."""

from pathlib import Path
from typing import Literal

import torch
from timm.models.resnet import ResNet
from torch import nn

from model.backbones.initial_weights import initialize
from model.backbones.last_stride import remove_last_stride
from model.backbones.timm_network import build_network, native_renormalization, output_shape

# Any size does; a square one tells a map [f, c, h, w] from one [f, h, w, c].
_PROBE = (256, 256)


class CnnBackbone(nn.Module):
    """A timm CNN without pooling and classifier.

    Attributes:
        dimension: Channels of the map.
        network: The timm network.

    Args:
        name: timm name, with or without the tag of its weights.
        last_stride: Stride of the last downsampling. 1 doubles the rows and columns of the map;
            `auto` is 1 for the ResNet family and the stock one for others (spec §1.2).
        pretrained: Fetch the named weights through timm, unless there is a file.
        weights: Local file to start from; see `initialize`.
        native_normalization: Give the network the mean and deviation its timm weights were trained
            with, instead of the shared ones.

    Raises:
        ValueError: When timm has no network of that name, it does not end in a map, its last
            downsampling cannot be removed, or its weights cannot be had.
    """

    def __init__(
        self,
        name: str,
        *,
        last_stride: Literal["auto", 1, 2] = "auto",
        pretrained: bool = False,
        weights: Path | None = None,
        native_normalization: bool = False,
    ) -> None:
        super().__init__()
        network = build_network(name)
        self.dimension = _map_channels(name, network)
        if last_stride == 1 or (last_stride == "auto" and isinstance(network, ResNet)):
            remove_last_stride(network, name=name)
        initialize(network, name, pretrained=pretrained, weights=weights)
        self.network = network
        # What CPU and tensor-core convolutions want; the values are the same.
        self.lay_out(torch.channels_last)
        self.renormalize = native_renormalization(network) if native_normalization else None

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames [f, 3, h, w] → map [f, dimension, h', w'].

        h' and w' are h/32 and w/32 for stock strides, h/16 and w/16 with last stride 1.
        """
        feature_map: torch.Tensor = self.network(self.arrange(frames))
        return feature_map

    def arrange(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames [f, 3, h, w] → the same, normalised and laid out as the network takes them.

        For models that run the network's stages one by one.
        """
        if self.renormalize is not None:
            frames = self.renormalize(frames)
        return frames.contiguous(memory_format=self._layout)

    def lay_out(self, memory_format: torch.memory_format) -> None:
        """Keep weights and maps in another memory layout from now on."""
        self._layout = memory_format
        self.network.to(memory_format=memory_format)


def _map_channels(name: str, network: nn.Module) -> int:
    try:
        shape = output_shape(network, _PROBE)
        received = f"which ends in {list(shape)}"
    except ValueError as error:
        shape, received = (), f"which does not: {error.__cause__}"
    if len(shape) != 4 or shape[2] != shape[3]:
        raise ValueError(
            "expected a CNN, which takes frames of any size and ends in a map [f, c, h, w], "
            f"received {name!r}, {received}; name a Transformer as the Transformer"
        )
    return shape[1]
