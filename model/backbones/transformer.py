"""Transformer branch: a timm ViT cut to its class and patch tokens."""

from typing import NamedTuple

import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from model.backbones.cnn import require_known


class FrameTokens(NamedTuple):
    """Tokens of every frame after the final LayerNorm.

    Attributes:
        class_token: [f, c].
        patches: [f, n, c], row-major over the patch grid.
    """

    class_token: torch.Tensor
    patches: torch.Tensor


class TransformerBackbone(nn.Module):
    """A timm ViT with a class token, for one input size.

    Attributes:
        dimension: Channels of a token.
        grid: Rows and columns of patches.

    Raises:
        ValueError: When timm has no network of that name, or it has no class token.
    """

    def __init__(
        self, name: str, *, size: tuple[int, int], drop_path: float, pretrained: bool
    ) -> None:
        super().__init__()
        require_known(name)
        # timm resizes a pretrained position grid to `size` when it loads the weights.
        network = timm.create_model(
            name,
            pretrained=pretrained,
            num_classes=0,
            global_pool="",
            img_size=size,
            drop_path_rate=drop_path,
        )
        if not isinstance(network, VisionTransformer) or network.num_prefix_tokens != 1:
            raise ValueError(
                f"expected a Transformer with one class token, received {name!r}; "
                "choose a ViT or DeiT by its timm name"
            )
        self.dimension = network.num_features
        self.grid = network.patch_embed.grid_size
        self.network = network

    def forward(self, frames: torch.Tensor) -> FrameTokens:
        """Frames [f, 3, h, w] → class token [f, c] and patches [f, n, c]."""
        tokens: torch.Tensor = self.network(frames)
        return FrameTokens(class_token=tokens[:, 0], patches=tokens[:, 1:])
