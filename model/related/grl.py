"""GRL: Global-guided Reciprocal Learning (CVPR 2021; spec §2).

    frames ─▶ CNN ─▶ X ─▶ GCE ─▶ X_h ─┐            ┌─▶ f_h,t ─▶ self-attention ─▶ p
                            └──▶ X_l ─┴─▶ TRL ─────┴─▶ f_l

Only what a tracklet is retrieved with is built: the pair verification of the paper is a loss and
needs two tracklets.
"""

from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from model.backbones.cnn import CnnBackbone
from model.features import TrackletFeatures
from model.layers.correlation_estimation import CorrelationEstimation
from model.layers.reciprocal_learning import TemporalReciprocalLearning
from model.layers.temporal_self_attention import TemporalSelfAttention
from model.tracklet_network import ModelConfig, TrackletNetwork


class GRLConfig(ModelConfig):
    """GRL over a timm CNN.

    Attributes:
        backbone: timm name of the CNN; ResNets get last stride 1.
        backbone_weights: Local file to start the CNN from.
    """

    kind: Literal["grl"] = "grl"
    backbone: str = "resnet50.tv_in1k"
    backbone_weights: Path | None = None


class GRL(TrackletNetwork):
    """Clips [b, t, 3, height, width] → parts `low`, `pooled`, `high`, [b, c] each (spec §2.4).

    Over a clip `high` is the mean of the frame-level part f_h,t, and `pooled` is p, which
    self-attention makes of it; `low` is f_l. f_h and f_l pass a batch normalisation and are
    L2-normalised, and p pools the normalised f_h. The order of frames matters (TRL), and any
    number of them will do.
    The attention map `correlation` is R of GCE: a weight in (0, 1) of every position.

    Raises:
        ValueError: When the backbone does not exist or is no CNN.
    """

    config: GRLConfig
    # The reference trains GCE, a part of its backbone, at the backbone's rate (spec §2.4).
    backbone_modules = ("backbone", "correlation")
    # Its memory runs from frame to frame, and so do the clips its authors test with (spec §1.10).
    dense_clips = "consecutive"

    def __init__(self, config: GRLConfig) -> None:
        super().__init__(config)
        self.backbone = CnnBackbone(
            config.backbone, pretrained=config.pretrained, weights=config.backbone_weights
        )
        dimension = self.backbone.dimension
        self.correlation = CorrelationEstimation(dimension)
        self.reciprocal = TemporalReciprocalLearning(dimension)
        self.high_norm = nn.BatchNorm1d(dimension)
        self.low_norm = nn.BatchNorm1d(dimension)
        self.temporal_attention = TemporalSelfAttention(dimension)

    @property
    def part_dimensions(self) -> dict[str, int]:
        """Columns of each part, in the order of the embedding: the channels of the CNN."""
        return dict.fromkeys(("low", "pooled", "high"), self.backbone.dimension)

    def forward(self, clips: torch.Tensor) -> TrackletFeatures:
        """Clips [b, t, 3, h, w], normalised RGB → features."""
        per_clip = clips.shape[:2]
        maps = self.backbone(clips.flatten(0, 1)).unflatten(0, per_clip)
        correlated = self.correlation(maps)
        learned = self.reciprocal(correlated.high, correlated.low)
        high = torch.unflatten(_unit(self.high_norm(learned.high.flatten(0, 1))), 0, per_clip)
        pooled = self.temporal_attention(high)
        return TrackletFeatures(
            frame_globals={"high": learned.high},
            frame_features={"high": high},
            tracklet_globals={
                "low": learned.low,
                "pooled": pooled,
                "high": learned.high.mean(dim=1),
            },
            parts={
                "low": _unit(self.low_norm(learned.low)),
                "pooled": _unit(pooled),
                "high": high.mean(dim=1),
            },
            attention_maps={"correlation": correlated.correlation},
        )


def _unit(rows: torch.Tensor) -> torch.Tensor:
    """Rows [n, d], each L2-normalised."""
    return functional.normalize(rows, dim=1)
