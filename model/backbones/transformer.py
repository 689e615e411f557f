"""Transformer branch: any timm ViT or Swin cut to its class and patch tokens."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from model.backbones.initial_weights import initialize
from model.backbones.timm_network import (
    build_network,
    integer_attribute,
    native_renormalization,
    output_shape,
    patch_grid,
    patch_size,
)


class FrameTokens(NamedTuple):
    """Tokens of every frame after the final LayerNorm.

    Attributes:
        class_token: [f, c], or none where the network has none.
        patches: [f, n, c], row-major over the patch grid.
    """

    class_token: torch.Tensor | None
    patches: torch.Tensor


class TransformerBackbone(nn.Module):
    """A timm Transformer without pooling and classifier, for one input size.

    Attributes:
        dimension: Channels of a token.
        grid: Rows and columns of patches.
        has_class_token: Whether there is a class token.
        network: The timm network.

    Args:
        name: timm name, with or without the tag of its weights.
        size: Pixel rows and columns of the frames it will see.
        drop_path: Stochastic depth, growing linearly to this over the blocks.
        pretrained: Fetch the named weights through timm, unless there is a file.
        weights: Local file to start from; see `initialize`.
        native_normalization: Give the network the mean and deviation its timm weights were trained
            with, instead of the shared ones.

    Raises:
        ValueError: When timm has no network of that name, it does not end in tokens, patches do not
            fill the size, or its weights cannot be had.
    """

    def __init__(
        self,
        name: str,
        *,
        size: tuple[int, int],
        drop_path: float,
        pretrained: bool = False,
        weights: Path | None = None,
        native_normalization: bool = False,
    ) -> None:
        super().__init__()
        network = build_network(name, size=size, drop_path=drop_path)
        _require_whole_patches(name, network, size)
        layout = _token_layout(name, network, size)
        initialize(network, name, pretrained=pretrained, weights=weights)
        self.size = size
        self.dimension = layout.dimension
        self.grid = layout.grid
        self.has_class_token = _has_class_token(network)
        self._prefix_tokens = layout.prefix_tokens
        self.network = network
        self.renormalize = native_renormalization(network) if native_normalization else None

    def forward(self, frames: torch.Tensor) -> FrameTokens:
        """Frames [f, 3, h, w] → class token [f, c] or none, and patches [f, n, c].

        Raises:
            ValueError: When the frames are not of the size the network was built for.
        """
        if tuple(frames.shape[2:]) != self.size:
            raise ValueError(
                f"expected frames of {_pixels(self.size)} pixels, which the Transformer was built "
                f"for, received {_pixels(tuple(frames.shape[2:]))}; resize the frames, or set "
                "height and width of the model"
            )
        if self.renormalize is not None:
            frames = self.renormalize(frames)
        tokens: torch.Tensor = self.network(frames)
        if tokens.ndim == 4:
            tokens = tokens.flatten(1, 2)
        return FrameTokens(
            class_token=tokens[:, 0] if self.has_class_token else None,
            patches=tokens[:, self._prefix_tokens :],
        )


class _TokenLayout(NamedTuple):
    """What a network's output holds: prefix tokens (class token, registers), then the patches."""

    dimension: int
    grid: tuple[int, int]
    prefix_tokens: int


def _token_layout(name: str, network: nn.Module, size: tuple[int, int]) -> _TokenLayout:
    shape = output_shape(network, size)
    width = integer_attribute(network, "num_features", otherwise=0)
    if len(shape) == 4 and shape[3] == width:
        return _TokenLayout(width, (shape[1], shape[2]), 0)
    rows, columns = patch_grid(network)
    class_tokens = int(_has_class_token(network))
    prefix = integer_attribute(network, "num_prefix_tokens", otherwise=class_tokens)
    if len(shape) != 3 or rows * columns == 0 or shape[1] != prefix + rows * columns:
        raise ValueError(
            "expected a Transformer that ends in the tokens [f, n, c] of a known grid of patches, "
            f"or in a grid [f, h, w, c], received {name!r}, which ends in {list(shape)}; choose a "
            "ViT or Swin, or name a network that ends in a map [f, c, h, w] as the CNN"
        )
    return _TokenLayout(shape[2], (rows, columns), prefix)


def _has_class_token(network: nn.Module) -> bool:
    return getattr(network, "cls_token", None) is not None


def _require_whole_patches(name: str, network: nn.Module, size: tuple[int, int]) -> None:
    patch = patch_size(network)
    if all(side % cell == 0 for side, cell in zip(size, patch, strict=True)):
        return
    nearest = [_nearest_multiples(side, cell) for side, cell in zip(size, patch, strict=True)]
    raise ValueError(
        f"expected a size that the {_pixels(patch)} patches of {name!r} fill, received "
        f"{_pixels(size)}; set height to {nearest[0]} and width to {nearest[1]}"
    )


def _nearest_multiples(side: int, cell: int) -> str:
    below, above = side // cell * cell, -(-side // cell) * cell
    return " or ".join(str(multiple) for multiple in sorted({below, above}) if multiple > 0)


def _pixels(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))
