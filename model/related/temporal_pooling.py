"""Temporal pooling: the floor that every claim is measured against."""

from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator

from model.backbones.cnn import CnnBackbone
from model.backbones.transformer import TransformerBackbone
from model.features import TrackletFeatures
from model.layers.bnneck import BNNeck
from model.tracklet_network import ModelConfig, TrackletNetwork


class TemporalPoolingConfig(ModelConfig):
    """One timm backbone, its frame features pooled.

    Attributes:
        architecture: What the backbone is.
        backbone: timm name of the backbone.
        backbone_weights: Local file to start the backbone from.
        drop_path: Stochastic depth of a Transformer.
        pooling: Over the frames of a clip.
    """

    kind: Literal["temporal-pooling"] = "temporal-pooling"
    architecture: Literal["cnn", "transformer"] = "cnn"
    backbone: str = "resnet50.tv_in1k"
    backbone_weights: Path | None = None
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.0
    pooling: Literal["mean", "max"] = "mean"

    @model_validator(mode="after")
    def _drop_path_is_used(self) -> Self:
        if self.architecture == "cnn" and self.drop_path > 0:
            raise ValueError(
                f"expected no drop_path with architecture cnn, received {self.drop_path}; "
                "it would be ignored: remove it, or set architecture to transformer"
            )
        return self


class TemporalPooling(TrackletNetwork):
    """Clips [b, t, 3, height, width] → the part `frame`, pooled over the frames after the neck.

    A frame's feature is the mean of a CNN's map, or a Transformer's class token (the mean of its
    patches where there is none). Frames see nothing of each other and their order does not matter.

    Raises:
        ValueError: When the backbone does not exist, is not of the configured architecture, or does
            not fit the input size.
    """

    config: TemporalPoolingConfig
    backbone_modules = ("backbone",)

    def __init__(self, config: TemporalPoolingConfig) -> None:
        super().__init__(config)
        self.backbone = _build_backbone(config)
        self.neck = BNNeck(self.backbone.dimension)

    @property
    def part_dimensions(self) -> dict[str, int]:
        """Columns of the one part: the channels of the backbone."""
        return {"frame": self.backbone.dimension}

    @property
    def batching_unit(self) -> Literal["frame", "clip"]:
        """`frame` for the mean; a maximum needs all frames of the clip."""
        return "frame" if self.config.pooling == "mean" else "clip"

    def forward(self, clips: torch.Tensor) -> TrackletFeatures:
        """Clips [b, t, 3, h, w], normalised RGB → features."""
        frame_globals = torch.unflatten(self._see(clips.flatten(0, 1)), 0, clips.shape[:2])
        frame_features = self.neck(frame_globals)
        return TrackletFeatures(
            frame_globals={"frame": frame_globals},
            frame_features={"frame": frame_features},
            tracklet_globals={"frame": self._pool(frame_globals)},
            # After the neck, so that it sees single frames only and its statistics are theirs.
            parts={"frame": self._pool(frame_features)},
            attention_maps={},
        )

    def frame_parts(self, frames: torch.Tensor) -> dict[str, torch.Tensor]:
        """Frames [f, 3, h, w] → the part of single frames, [f, d].

        Raises:
            ValueError: When the frames are not pooled by their mean.
        """
        if self.batching_unit == "clip":
            return super().frame_parts(frames)
        return {"frame": self.neck(self._see(frames))}

    def _see(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames [f, 3, h, w] → frame globals [f, d]."""
        seen = self.backbone(frames)
        if isinstance(seen, torch.Tensor):
            return seen.mean(dim=(2, 3))
        tokens: torch.Tensor = seen.class_token
        return seen.patches.mean(dim=1) if tokens is None else tokens

    def _pool(self, frames: torch.Tensor) -> torch.Tensor:
        """Frame features [b, t, d] → [b, d]."""
        return frames.mean(dim=1) if self.config.pooling == "mean" else frames.amax(dim=1)


def _build_backbone(config: TemporalPoolingConfig) -> CnnBackbone | TransformerBackbone:
    if config.architecture == "cnn":
        return CnnBackbone(
            config.backbone, pretrained=config.pretrained, weights=config.backbone_weights
        )
    return TransformerBackbone(
        config.backbone,
        size=(config.height, config.width),
        drop_path=config.drop_path,
        pretrained=config.pretrained,
        weights=config.backbone_weights,
    )
