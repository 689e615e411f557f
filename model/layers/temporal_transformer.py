"""The transformer over frames: the paper's TT and, on coupled features, its AT (spec §1.5)."""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

HEADS = 8


class TemporalTransformer(nn.Module):
    """One pre-norm block over the frames of a clip, with learned positions and a final norm.

    TT is this block over one branch, AT over the concatenation of both. There is no class token and
    no output projection: heads are concatenated (confirmed by the paper's parameter count).

    Args:
        dimension: d, columns of a frame feature.
        clip_frames: T, the clip length that positions are learned for.
        ffn_ratio: Hidden width of the MLP, in widths.
        activation: Of the MLP.

    Raises:
        ValueError: When d does not split into 8 heads.
    """

    def __init__(
        self,
        dimension: int,
        *,
        clip_frames: int,
        ffn_ratio: float,
        activation: Literal["relu", "gelu"],
    ) -> None:
        super().__init__()
        if dimension % HEADS:
            raise ValueError(
                f"expected a width that splits into {HEADS} temporal heads, received {dimension}; "
                "set hta.align_dimension to a multiple of 8"
            )
        hidden = max(round(dimension * ffn_ratio), 1)
        self.positions = nn.Parameter(torch.empty(1, clip_frames, dimension))
        nn.init.trunc_normal_(self.positions, std=0.02)
        self.attention_norm = nn.LayerNorm(dimension)
        self.query_key_value = nn.Linear(dimension, 3 * dimension)
        self.ffn_norm = nn.LayerNorm(dimension)
        self.expand = nn.Linear(dimension, hidden)
        self.contract = nn.Linear(hidden, dimension)
        self.output_norm = nn.LayerNorm(dimension)
        self.activate = functional.relu if activation == "relu" else functional.gelu

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frame features [b, t, d] → [b, t, d]; any t, positions interpolated when it is not T."""
        placed = frames + stretch_positions(self.positions, frames.shape[1])
        mixed = placed + self._attend(self.attention_norm(placed))
        refined = self.contract(self.activate(self.expand(self.ffn_norm(mixed))))
        normalized: torch.Tensor = self.output_norm(mixed + refined)
        return normalized

    def _attend(self, frames: torch.Tensor) -> torch.Tensor:
        split = self.query_key_value(frames).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = split.unbind(0)
        heads = functional.scaled_dot_product_attention(query, key, value)  # [b, heads, t, d/heads]
        return heads.transpose(1, 2).flatten(2)


def stretch_positions(positions: torch.Tensor, frames: int) -> torch.Tensor:
    """Positions [1, t, d] → [1, frames, d], linear interpolation between the learned ones."""
    if frames == positions.shape[1]:
        return positions
    stretched = functional.interpolate(
        positions.transpose(1, 2), size=frames, mode="linear", align_corners=False
    )
    return stretched.transpose(1, 2)
