"""DCCT: a CNN and a Transformer side by side, deeply coupled (spec §1; the paper's Fig. 2).

    frames ─▶ CNN ─────────▶ map ────▶ CCA ─▶ s_c ─┐
                  ╲ globals  ╳                       HTA ─▶ v
    frames ─▶ Transformer ─▶ tokens ─▶ CCA ─▶ s_t ─┘

Base parts (`cnn`, `transformer`) are the backbones' own features, and alone they are the student;
`cca_*` parts are the attended frames averaged over the clip; `final` is HTA's clip feature, the
teacher of self-distillation.
"""

from typing import Literal, NamedTuple

import torch
from torch import nn

from model.backbones.cnn import CnnBackbone
from model.backbones.transformer import TransformerBackbone
from model.dcct_config import DCCTConfig
from model.features import TrackletFeatures
from model.layers.bnneck import BNNeck
from model.layers.content_attention import AttendedFrames, ComplementaryContentAttention
from model.layers.lstm_aggregation import LstmAggregation
from model.layers.self_attention_pooling import SelfAttentionPooling
from model.layers.temporal_aggregation import HierarchicalTemporalAggregation
from model.tracklet_network import TrackletNetwork


class BranchFrames(NamedTuple):
    """What a backbone sees of f frames.

    Attributes:
        frame_global: [f, d].
        tokens: [f, n, d], local features, row-major over the grid.
        grid: Rows and columns, n = rows·columns.
    """

    frame_global: torch.Tensor
    tokens: torch.Tensor
    grid: tuple[int, int]


class DCCT(TrackletNetwork):
    """Clips [b, t, 3, height, width] → `TrackletFeatures`; parts as `DCCTConfig.parts` lists them.

    Raises:
        ValueError: When a backbone does not exist or does not fit the input size.
    """

    config: DCCTConfig
    backbone_modules = ("cnn", "transformer")

    def __init__(self, config: DCCTConfig) -> None:
        super().__init__(config)
        widths = {}
        if config.cnn is not None:
            self.cnn = CnnBackbone(
                config.cnn,
                last_stride=config.cnn_last_stride,
                pretrained=config.pretrained,
                weights=config.cnn_weights,
                native_normalization=config.native_normalization,
            )
            widths["cnn"] = self.cnn.dimension
        if config.transformer is not None:
            self.transformer = TransformerBackbone(
                config.transformer,
                size=(config.height, config.width),
                drop_path=config.drop_path,
                pretrained=config.pretrained,
                weights=config.transformer_weights,
                native_normalization=config.native_normalization,
            )
            widths["transformer"] = self.transformer.dimension
            self._class_token = _choose_global(config, self.transformer) == "cls"
        self._widths = widths
        self.spatial = nn.ModuleDict(_spatial_modules(config, widths))
        self.temporal = _temporal_module(config, widths)
        self.necks = nn.ModuleDict(
            {name: BNNeck(dimension) for name, dimension in self.part_dimensions.items()}
        )

    @property
    def part_dimensions(self) -> dict[str, int]:
        """Columns of each part, in the order of `DCCTConfig.parts`."""
        dimensions = {name: self._widths[name.split("_")[-1]] for name in self._frame_part_names()}
        if self.temporal is not None:
            dimensions["final"] = self.temporal.dimension
        return dimensions

    @property
    def embedding_parts(self) -> tuple[str, ...]:
        """Names of the parts that make the embedding, in its order."""
        return self.config.embedding_parts

    @property
    def batching_unit(self) -> Literal["frame", "clip"]:
        """`frame` unless the final part, which sees the whole clip, is retrieved with."""
        return "clip" if "final" in self.embedding_parts else "frame"

    def forward(self, clips: torch.Tensor) -> TrackletFeatures:
        """Clips [b, t, 3, h, w], normalised RGB → features."""
        per_clip = clips.shape[:2]
        branches = self._see(clips.flatten(0, 1))
        attended = self._attend(branches)
        frames = {
            name: rows.reshape(*per_clip, -1)
            for name, rows in _frame_rows(branches, attended, self.config.spatial).items()
        }
        tracklet_globals = {name: rows.mean(dim=1) for name, rows in frames.items()}
        if self.temporal is not None:
            tracklet_globals["final"] = self.temporal(*self._temporal_inputs(frames))
        frame_globals = {name: frames[name] for name in branches}
        frame_features = {name: self.necks[name](rows) for name, rows in frame_globals.items()}
        return TrackletFeatures(
            frame_globals=frame_globals,
            frame_features=frame_features,
            tracklet_globals=tracklet_globals,
            parts=self._parts(tracklet_globals, frame_features),
            attention_maps={
                f"{branch}_{head}": rows.reshape(*per_clip, *branches[branch].grid)
                for branch, seen in attended.items()
                for head, rows in seen.maps.items()
            },
        )

    def temporal_inputs(self, clips: torch.Tensor) -> list[torch.Tensor]:
        """Clips [b, t, 3, h, w] → what temporal aggregation takes, [b, t, d] of each branch."""
        branches = self._see(clips.flatten(0, 1))
        rows = _frame_rows(branches, self._attend(branches), self.config.spatial)
        return self._temporal_inputs(
            {name: values.reshape(*clips.shape[:2], -1) for name, values in rows.items()}
        )

    def frame_parts(self, frames: torch.Tensor) -> dict[str, torch.Tensor]:
        """Frames [f, 3, h, w] → the embedding's parts of single frames, [f, d] each.

        Raises:
            ValueError: When the embedding holds the final part, which needs a clip.
        """
        if self.batching_unit == "clip":
            return super().frame_parts(frames)
        branches = self._see(frames)
        needed = any(name not in branches for name in self.embedding_parts)
        attended = self._attend(branches) if needed else {}
        rows = _frame_rows(branches, attended, self.config.spatial)
        return {name: self._neck(name, rows[name]) for name in self.embedding_parts}

    def frame_rows(self, features: TrackletFeatures) -> dict[str, torch.Tensor]:
        """Rows [b, t, d] of the base parts, whose means over a clip are the student's parts."""
        rows = features.frame_globals if self.config.pre_bn_base else features.frame_features
        return {name: rows[name] for name in self._widths}

    def _see(self, frames: torch.Tensor) -> dict[str, BranchFrames]:
        """Frames [f, 3, h, w] through both backbones."""
        branches = {}
        if self.config.cnn is not None:
            feature_map = self.cnn(frames)
            rows, columns = feature_map.shape[2:]
            tokens = feature_map.flatten(2).transpose(1, 2)
            branches["cnn"] = BranchFrames(feature_map.mean(dim=(2, 3)), tokens, (rows, columns))
        if self.config.transformer is not None:
            seen = self.transformer(frames)
            frame_global = seen.class_token if self._class_token else seen.patches.mean(dim=1)
            branches["transformer"] = BranchFrames(
                frame_global, seen.patches, self.transformer.grid
            )
        return branches

    def _attend(self, branches: dict[str, BranchFrames]) -> dict[str, AttendedFrames]:
        """Spatial aggregation of every branch; nothing for plain means."""
        attended = {}
        for name, attention in self.spatial.items():
            tokens = branches[name].tokens
            if isinstance(attention, ComplementaryContentAttention):
                others = [seen.frame_global for other, seen in branches.items() if other != name]
                crossed = others[0] if self.config.cca.cross_heads else None
                attended[name] = attention(tokens, crossed)
            else:
                attended[name] = attention(tokens)
        return attended

    def _temporal_inputs(self, frames: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """Frame features [b, t, d] of each branch, attended where there is attention."""
        prefix = "" if self.config.spatial == "gap" else f"{self.config.spatial}_"
        inputs = [frames[f"{prefix}{name}"] for name in self._widths]
        return [rows.detach() for rows in inputs] if self.config.detach_temporal_input else inputs

    def _parts(
        self, tracklet_globals: dict[str, torch.Tensor], frame_features: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        parts = {}
        for name, rows in tracklet_globals.items():
            if name in frame_features and not self.config.pre_bn_base:
                # In evaluation the neck is affine: pooling after it equals the neck of the pooled.
                parts[name] = frame_features[name].mean(dim=1)
            else:
                parts[name] = self._neck(name, rows)
        return parts

    def _neck(self, name: str, rows: torch.Tensor) -> torch.Tensor:
        if name in self._widths and self.config.pre_bn_base:
            return rows
        normalized: torch.Tensor = self.necks[name](rows)
        return normalized

    def _frame_part_names(self) -> list[str]:
        return [name for name in self.config.parts if name != "final"]


def _frame_rows(
    branches: dict[str, BranchFrames], attended: dict[str, AttendedFrames], spatial: str
) -> dict[str, torch.Tensor]:
    """Frame features [f, d] by part: the branches' globals, then the attended ones."""
    rows = {name: seen.frame_global for name, seen in branches.items()}
    return {**rows, **{f"{spatial}_{name}": seen.features for name, seen in attended.items()}}


def _choose_global(config: DCCTConfig, transformer: TransformerBackbone) -> Literal["cls", "gap"]:
    if config.transformer_global == "cls" and not transformer.has_class_token:
        raise ValueError(
            f"expected a Transformer with a class token for transformer_global cls, received "
            f"{config.transformer!r}, which has none; set transformer_global to auto or gap"
        )
    if config.transformer_global == "auto":
        return "cls" if transformer.has_class_token else "gap"
    return config.transformer_global


def _spatial_modules(config: DCCTConfig, widths: dict[str, int]) -> dict[str, nn.Module]:
    if config.spatial == "gap":
        return {}
    if config.spatial == "sap":
        return {name: SelfAttentionPooling(dimension) for name, dimension in widths.items()}
    ratios = {"cnn": config.cca.cnn_ffn_ratio, "transformer": config.cca.transformer_ffn_ratio}
    others = {name: [d for other, d in widths.items() if other != name] for name in widths}
    return {
        name: ComplementaryContentAttention(
            dimension,
            other_dimension=others[name][0] if config.cca.cross_heads else None,
            self_head=config.cca.self_heads,
            ffn_hidden=max(round(dimension * ratios[name]), 1),
            order=config.cca.order,
            detach_cross_query=config.cca.detach_cross_query,
        )
        for name, dimension in widths.items()
    }


def _temporal_module(
    config: DCCTConfig, widths: dict[str, int]
) -> HierarchicalTemporalAggregation | LstmAggregation | None:
    if not config.has_final:
        return None
    if config.temporal == "lstm":
        return LstmAggregation(sum(widths.values()))
    return HierarchicalTemporalAggregation(
        widths["cnn"], widths["transformer"], config.hta, clip_frames=config.clip_frames
    )
