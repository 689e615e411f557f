"""Attention of a ViT's blocks, computed again from their weights, and its rollout.

Blocks may run fused kernels that never hold an attention matrix, and a hook would leave state on
the modules. So queries and keys are projected once more beside every block, and what follows from
them is compared with what the block's own attention returns: a figure can be refused, never stale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block, VisionTransformer

from model.backbones.transformer import TransformerBackbone

TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class BlockAttention:
    """What the blocks of a Transformer attend to in f frames of n tokens.

    Attributes:
        blocks: [f, heads, n, n] per block, from the first; rows sum to one.
        tokens: [f, n, c], the network's output.
    """

    blocks: tuple[torch.Tensor, ...]
    tokens: torch.Tensor


def attend_by_block(transformer: TransformerBackbone, frames: torch.Tensor) -> BlockAttention:
    """Run frames [f, 3, h, w] block by block, in evaluation mode.

    Raises:
        ValueError: When the network is no timm ViT of plain attention blocks, or attention computed
            from the weights does not give what a block gives.
    """
    network = transformer.network
    if not isinstance(network, VisionTransformer):
        raise ValueError(  # noqa: TRY004  # what a network is made of, not what a caller passed
            "expected a ViT or DeiT, whose tokens stay the same from block to block, received "
            f"{type(network).__name__}: rollout is not defined over windows that shift and merge; "
            "read the maps of content attention instead"
        )
    if transformer.renormalize is not None:
        frames = transformer.renormalize(frames)
    # timm's own steps before the blocks; a test holds the result against the whole network's.
    tokens = network.norm_pre(network.patch_drop(network._pos_embed(network.patch_embed(frames))))
    blocks = []
    for position, block in enumerate(network.blocks):
        blocks.append(_explicit_attention(block, tokens, position=position))
        tokens = block(tokens)
    return BlockAttention(blocks=tuple(blocks), tokens=network.norm(tokens))


def rollout(blocks: Sequence[torch.Tensor]) -> torch.Tensor:
    """Attention [f, heads, n, n] per block → how much each token holds of each input, [f, n, n].

    The mean of the heads, averaged with the identity for the residual connection, multiplied over
    the blocks (Abnar & Zuidema, 2020, eq. 1). Rows sum to one.

    Raises:
        ValueError: When there are no blocks.
    """
    if not blocks:
        raise ValueError("expected the attention of at least one block, received none")
    held = torch.eye(blocks[0].shape[-1], device=blocks[0].device, dtype=blocks[0].dtype)
    rolled = held.expand(len(blocks[0]), -1, -1)
    for attention in blocks:
        mixed = (attention.mean(dim=1) + held) / 2
        rolled = mixed / mixed.sum(dim=-1, keepdim=True) @ rolled
    return rolled


def rollout_maps(transformer: TransformerBackbone, frames: torch.Tensor) -> torch.Tensor:
    """Frames [f, 3, h, w] → rollout onto the patches, [f, rows, columns]; each map sums to one.

    The row of the class token where there is one, else the mean over the patches' rows, which is
    then the frame's feature. What falls on the class token and on registers is left out.
    """
    seen = attend_by_block(transformer, frames)
    rolled = rollout(seen.blocks)
    rows, columns = transformer.grid
    prefix = rolled.shape[-1] - rows * columns
    asked = rolled[:, 0] if transformer.has_class_token else rolled[:, prefix:].mean(dim=1)
    patches = asked[:, prefix:]
    return torch.unflatten(patches / patches.sum(dim=1, keepdim=True), 1, (rows, columns))


def _explicit_attention(
    block: torch.nn.Module, tokens: torch.Tensor, *, position: int
) -> torch.Tensor:
    """Attention [f, heads, n, n] of one block, checked against the block's own result."""
    if not isinstance(block, Block) or not isinstance(block.attn, Attention):
        raise ValueError(  # noqa: TRY004  # likewise
            f"expected pre-norm blocks of plain self-attention, received {type(block).__name__} as "
            f"block {position}; rollout is written for timm's Block and Attention"
        )
    layer, normalized = block.attn, block.norm1(tokens)
    split = layer.qkv(normalized).unflatten(2, (3, layer.num_heads, layer.head_dim))
    query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
    scores = layer.q_norm(query) * layer.scale @ layer.k_norm(key).transpose(-2, -1)
    attention: torch.Tensor = scores.softmax(dim=-1)
    mixed = layer.norm((attention @ value).transpose(1, 2).flatten(2))
    if layer.gate is not None:
        mixed = mixed * layer.gate(normalized).sigmoid()
    _require_same(layer.proj(mixed), layer(normalized), position=position)
    return attention


def _require_same(again: torch.Tensor, own: torch.Tensor, *, position: int) -> None:
    deviation = float((again - own).abs().max() / own.abs().max().clamp_min(1e-12))
    if not deviation <= TOLERANCE:
        raise ValueError(
            f"expected attention from the weights of block {position} to give what the block gives "
            f"within {TOLERANCE}, received a deviation of {deviation:.2g} of the largest value; "
            "the block attends in a way this figure does not know (or is in training mode)"
        )
