"""Hierarchical Temporal Aggregation, HTA (spec §1.5; the paper's eq. 5-12)."""

from typing import Annotated, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from model.layers.gated_attention import GatedAttention
from model.layers.temporal_transformer import TemporalTransformer

Ratio = Annotated[float, Field(gt=0)]


class TemporalAggregationConfig(BaseModel):
    """Hierarchical Temporal Aggregation (spec §1.5).

    Attributes:
        depth: Layers L; 0 is the plain mean over frames (Fig. 5).
        temporal_transformers: TT.
        aggregated_transformer: AT; without it the branches are concatenated.
        gated_attention: GA; without it frames pass on unchanged between layers.
        align_dimension: Width both branches are projected to first; none keeps their own widths.
        ffn_ratios: Hidden width of each layer's MLPs, in widths; one value serves all layers.
        activation: Of the MLPs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: Annotated[int, Field(ge=0, le=4)] = 2
    temporal_transformers: bool = True
    aggregated_transformer: bool = True
    gated_attention: bool = True
    align_dimension: Annotated[int, Field(ge=8, multiple_of=8)] | None = None
    ffn_ratios: Annotated[tuple[Ratio, ...], Field(min_length=1)] = (0.25,)
    activation: Literal["relu", "gelu"] = "relu"

    @model_validator(mode="after")
    def _layers_have_content(self) -> Self:
        parts = (self.temporal_transformers, self.aggregated_transformer, self.gated_attention)
        if self.depth > 0 and not any(parts):
            raise ValueError(
                "expected hta.temporal_transformers, hta.aggregated_transformer or "
                f"hta.gated_attention at depth {self.depth}, received none; set hta.depth to 0"
            )
        if len(self.ffn_ratios) not in {1, max(self.depth, 1)}:
            raise ValueError(
                f"expected one hta.ffn_ratios value or one for each of {self.depth} layers, "
                f"received {len(self.ffn_ratios)}"
            )
        return self

    def ffn_ratio(self, layer: int) -> float:
        """Ratio of one layer, counted from 0."""
        return self.ffn_ratios[layer if len(self.ffn_ratios) > 1 else 0]


class HierarchicalTemporalAggregation(nn.Module):
    """Both branches' frame features [b, t, d_c], [b, t, d_t] → one clip feature [b, d_c + d_t].

    Each layer refines the branches over time (TT), aggregates them (AT) and averages over frames;
    between layers the average gates the frames of each branch (GA).
    Departs: at depth 1 there is no next layer to gate for; GA is then applied once, after AT, and
    the gated frames, concatenated and averaged, are the clip feature (our reading of Table VII).

    Args:
        cnn_dimension: d_c.
        transformer_dimension: d_t.
        config: What the layers are made of; its depth is at least 1.
        clip_frames: T, the clip length that positions are learned for.

    Raises:
        ValueError: When the depth is 0, or a width does not split into the temporal heads.
    """

    def __init__(
        self,
        cnn_dimension: int,
        transformer_dimension: int,
        config: TemporalAggregationConfig,
        *,
        clip_frames: int,
    ) -> None:
        super().__init__()
        if config.depth == 0:
            raise ValueError(
                "expected an aggregation of one layer or more, received depth 0; "
                "average the frames instead"
            )
        native = {"cnn": cnn_dimension, "transformer": transformer_dimension}
        self.align = nn.ModuleDict()
        widths = native
        if config.align_dimension is not None:
            widths = dict.fromkeys(native, config.align_dimension)
            self.align.update({name: nn.Linear(d, widths[name]) for name, d in native.items()})
        self.dimension = sum(widths.values())

        def blocks(dimension: int, layers: range) -> nn.ModuleList:
            return _transformers(dimension, layers, config, clip_frames=clip_frames)

        self.depth = config.depth
        refined = widths if config.temporal_transformers else {}
        self.temporal = nn.ModuleDict(
            {name: blocks(d, range(config.depth)) for name, d in refined.items()}
        )
        # Without gates nobody reads the clip feature of any layer but the last.
        self._read_from = 0 if config.gated_attention else config.depth - 1
        self.aggregated = nn.ModuleList()
        if config.aggregated_transformer:
            self.aggregated = blocks(self.dimension, range(self._read_from, config.depth))
        gated = max(config.depth - 1, 1) if config.gated_attention else 0
        self.gates = nn.ModuleList(_gate_pair(widths) for _ in range(gated))

    def forward(self, cnn: torch.Tensor, transformer: torch.Tensor) -> torch.Tensor:
        """Frame features [b, t, d_c] and [b, t, d_t] → clip feature [b, dimension]."""
        frames = {"cnn": cnn, "transformer": transformer}
        for name, projection in self.align.items():
            frames[name] = projection(frames[name])
        frames = self._refine(frames, layer=0)
        for layer in range(1, self.depth):
            if self.gates:
                clip = self._aggregate(frames, layer=layer - 1)
                frames = self._gate(frames, clip, layer=layer - 1)
            frames = self._refine(frames, layer=layer)
        clip = self._aggregate(frames, layer=self.depth - 1)
        if self.depth == 1 and self.gates:
            return _couple(self._gate(frames, clip, layer=0)).mean(dim=1)
        return clip

    def _refine(self, frames: dict[str, torch.Tensor], *, layer: int) -> dict[str, torch.Tensor]:
        refined = {name: blocks[layer](frames[name]) for name, blocks in self._temporal_items()}
        return {**frames, **refined}

    def _aggregate(self, frames: dict[str, torch.Tensor], *, layer: int) -> torch.Tensor:
        coupled = _couple(frames)
        if self.aggregated:
            coupled = self.aggregated[layer - self._read_from](coupled)
        return coupled.mean(dim=1)

    def _gate(
        self, frames: dict[str, torch.Tensor], clip: torch.Tensor, *, layer: int
    ) -> dict[str, torch.Tensor]:
        gates = self.gates[layer]
        return {name: gates[name](rows, clip) for name, rows in frames.items()}  # type: ignore[index]

    def _temporal_items(self) -> list[tuple[str, nn.ModuleList]]:
        return [(name, blocks) for name, blocks in self.temporal.items()]  # type: ignore[misc]


def _transformers(
    dimension: int, layers: range, config: TemporalAggregationConfig, *, clip_frames: int
) -> nn.ModuleList:
    """One block for each of `layers`, with that layer's ratio."""
    return nn.ModuleList(
        TemporalTransformer(
            dimension,
            clip_frames=clip_frames,
            ffn_ratio=config.ffn_ratio(layer),
            activation=config.activation,
        )
        for layer in layers
    )


def _gate_pair(widths: dict[str, int]) -> nn.ModuleDict:
    """GA of each branch, from the clip feature that couples all of them."""
    coupled = sum(widths.values())
    return nn.ModuleDict(
        {name: GatedAttention(d, clip_dimension=coupled) for name, d in widths.items()}
    )


def _couple(frames: dict[str, torch.Tensor]) -> torch.Tensor:
    """Branches [b, t, d_i] → [b, t, Σ d_i]."""
    return torch.cat(list(frames.values()), dim=2)
