"""DCCT: a CNN and a Transformer side by side on every frame (spec §1).

This is the coupled pair with base heads (spec §1.3): the backbones-only student of the paper.
Content attention joins between the backbones and the pooling, temporal aggregation after it; both
add parts to `TrackletFeatures` and leave the base parts as they are.
"""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from model.backbones.cnn import CnnBackbone
from model.backbones.transformer import FrameTokens, TransformerBackbone
from model.features import TrackletFeatures
from model.layers.bnneck import BNNeck


class DCCTConfig(BaseModel):
    """Which backbones, at which input size. Defaults are the light pair."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["dcct"] = "dcct"
    cnn: str = "mobilenetv2_100"
    transformer: str = "deit_tiny_patch16_224"
    height: Annotated[int, Field(ge=32, multiple_of=32)] = 256
    width: Annotated[int, Field(ge=32, multiple_of=32)] = 128
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.1
    transformer_global: Literal["cls", "gap"] = "cls"
    pretrained: bool = False


class DCCT(nn.Module):
    """Clips [b, t, 3, height, width] → `TrackletFeatures` with parts `cnn` and `transformer`."""

    def __init__(self, config: DCCTConfig) -> None:
        super().__init__()
        self.config = config
        self.cnn = CnnBackbone(config.cnn, pretrained=config.pretrained)
        self.transformer = TransformerBackbone(
            config.transformer,
            size=(config.height, config.width),
            drop_path=config.drop_path,
            pretrained=config.pretrained,
        )
        self.necks = nn.ModuleDict(
            {name: BNNeck(dimension) for name, dimension in self.part_dimensions.items()}
        )

    @property
    def part_dimensions(self) -> dict[str, int]:
        """Columns of each part, in the order of the embedding."""
        return {"cnn": self.cnn.dimension, "transformer": self.transformer.dimension}

    def forward(self, clips: torch.Tensor) -> TrackletFeatures:
        """Clips [b, t, 3, h, w], normalised RGB → features; temporal average pooling over t."""
        tracklets, frames_per_clip = clips.shape[:2]
        flat = self.frame_globals(clips.flatten(0, 1))
        frame_globals = {
            name: rows.reshape(tracklets, frames_per_clip, -1) for name, rows in flat.items()
        }
        frame_features = {name: self.necks[name](rows) for name, rows in frame_globals.items()}
        # In evaluation the neck is affine, so pooling after it equals the neck of the pooled.
        parts = {name: rows.mean(dim=1) for name, rows in frame_features.items()}
        return TrackletFeatures(frame_globals, frame_features, parts)

    def frame_globals(self, frames: torch.Tensor) -> dict[str, torch.Tensor]:
        """Frames [f, 3, h, w] → global features before the necks, [f, d] per part."""
        feature_map = self.cnn(frames)
        tokens = self.transformer(frames)
        return {"cnn": feature_map.mean(dim=(2, 3)), "transformer": self._token_global(tokens)}

    def _token_global(self, tokens: FrameTokens) -> torch.Tensor:
        if self.config.transformer_global == "cls":
            return tokens.class_token
        return tokens.patches.mean(dim=1)
