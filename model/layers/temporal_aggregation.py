"""Hierarchical Temporal Aggregation, HTA (spec §1.5; the paper's eq. 5-12)."""

from typing import Literal

import torch
from torch import nn

from model.layers.gated_attention import GatedAttention
from model.layers.temporal_transformer import TemporalTransformer


class HierarchicalTemporalAggregation(nn.Module):
    """Both branches' frame features [b, t, d_c], [b, t, d_t] → one clip feature [b, d_c + d_t].

    Each layer refines the branches over time (TT), aggregates them (AT) and averages over frames;
    between layers the average gates the frames of each branch (GA).
    Departs: at depth 1 there is no next layer to gate for; GA is then applied once, after AT, and
    the gated frames, concatenated and averaged, are the clip feature (our reading of Table VII).

    Args:
        cnn_dimension: d_c.
        transformer_dimension: d_t.
        depth: Layers, at least 1.
        clip_frames: T, the clip length that positions are learned for.
        temporal_transformers: TT; without it branches enter AT as they are.
        aggregated_transformer: AT; without it the branches are concatenated.
        gated_attention: GA; without it frames pass on unchanged.
        align_dimension: Width both branches are projected to first (then d_c = d_t = this).
        ffn_ratios: One for each layer.
        activation: Of the MLPs.
    """

    def __init__(
        self,
        cnn_dimension: int,
        transformer_dimension: int,
        *,
        depth: int,
        clip_frames: int,
        temporal_transformers: bool,
        aggregated_transformer: bool,
        gated_attention: bool,
        align_dimension: int | None,
        ffn_ratios: tuple[float, ...],
        activation: Literal["relu", "gelu"],
    ) -> None:
        super().__init__()
        native = {"cnn": cnn_dimension, "transformer": transformer_dimension}
        self.align = nn.ModuleDict()
        widths = native
        if align_dimension is not None:
            widths = dict.fromkeys(native, align_dimension)
            self.align.update({name: nn.Linear(d, align_dimension) for name, d in native.items()})
        self.dimension = sum(widths.values())

        def blocks(dimension: int) -> nn.ModuleList:
            return nn.ModuleList(
                TemporalTransformer(
                    dimension, clip_frames=clip_frames, ffn_ratio=ratio, activation=activation
                )
                for ratio in ffn_ratios
            )

        self.depth = depth
        self.temporal = nn.ModuleDict(
            {name: blocks(d) for name, d in widths.items()} if temporal_transformers else {}
        )
        self.aggregated = blocks(self.dimension) if aggregated_transformer else nn.ModuleList()
        gates = max(depth - 1, 1) if gated_attention else 0
        self.gates = nn.ModuleList(
            nn.ModuleDict(
                {
                    name: GatedAttention(d, clip_dimension=self.dimension)
                    for name, d in widths.items()
                }
            )
            for _ in range(gates)
        )

    def forward(self, cnn: torch.Tensor, transformer: torch.Tensor) -> torch.Tensor:
        """Frame features [b, t, d_c] and [b, t, d_t] → clip feature [b, dimension]."""
        frames = {"cnn": cnn, "transformer": transformer}
        for name, projection in self.align.items():
            frames[name] = projection(frames[name])
        clip = cnn.new_zeros(())
        for layer in range(self.depth):
            if layer > 0:
                frames = self._gate(frames, clip, layer=layer - 1)
            frames = self._refine(frames, layer=layer)
            clip = self._aggregate(frames, layer=layer)
        if self.depth == 1 and self.gates:
            return _couple(self._gate(frames, clip, layer=0)).mean(dim=1)
        return clip

    def _refine(self, frames: dict[str, torch.Tensor], *, layer: int) -> dict[str, torch.Tensor]:
        refined = {name: blocks[layer](frames[name]) for name, blocks in self._temporal_items()}
        return {**frames, **refined}

    def _aggregate(self, frames: dict[str, torch.Tensor], *, layer: int) -> torch.Tensor:
        coupled = _couple(frames)
        if self.aggregated:
            coupled = self.aggregated[layer](coupled)
        return coupled.mean(dim=1)

    def _gate(
        self, frames: dict[str, torch.Tensor], clip: torch.Tensor, *, layer: int
    ) -> dict[str, torch.Tensor]:
        if not self.gates:
            return frames
        gates = self.gates[layer]
        return {name: gates[name](rows, clip) for name, rows in frames.items()}  # type: ignore[index]

    def _temporal_items(self) -> list[tuple[str, nn.ModuleList]]:
        return [(name, blocks) for name, blocks in self.temporal.items()]  # type: ignore[misc]


def _couple(frames: dict[str, torch.Tensor]) -> torch.Tensor:
    """Branches [b, t, d_i] → [b, t, Σ d_i]."""
    return torch.cat(list(frames.values()), dim=2)
