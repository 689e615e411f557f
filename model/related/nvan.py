"""NVAN and STE-NVAN: non-local video attention inside a ResNet (BMVC 2019; spec §3).

    frames ─▶ stem ─▶ layer1 ─▶ layer2 ─▶ layer3 ─▶ layer4 ─▶ mean over t, h, w ─▶ x
                                  └─────────┴── non-local blocks among the residual ones

STE-NVAN makes it cheap: stripes instead of pixels attend, and after layer2 and layer3 only the
maximum of every two adjacent frames goes on.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from timm.models.resnet import ResNet
from torch import nn

from model.backbones.cnn import CnnBackbone
from model.features import TrackletFeatures
from model.layers.bnneck import BNNeck
from model.layers.nonlocal_block import NonlocalBlock
from model.tracklet_network import ModelConfig, TrackletNetwork

# Stages with non-local blocks, and how many pixel rows of a frame one row of their maps stands for.
_STAGE_STRIDES = {"layer2": 8, "layer3": 16}


class NVANConfig(ModelConfig):
    """NVAN over a timm ResNet.

    Attributes:
        backbone: timm name of the ResNet; it gets last stride 1.
        backbone_weights: Local file to start the ResNet from.
        nonlocal_blocks: How many residual blocks, counted from the end of layer2 and of layer3, are
            followed by a non-local block.
        stripes: S, horizontal stripes that attend in place of pixels; none for pixels.
        temporal_reduction: The maximum of adjacent frames after layer2 and again after layer3.
        attention: Frames that attend to each other: `all`, or adjacent `pairs` as in the reference
            implementation of STE-NVAN (the paper's figure shows all).
    """

    kind: Literal["nvan"] = "nvan"
    backbone: str = "resnet50.tv_in1k"
    backbone_weights: Path | None = None
    nonlocal_blocks: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = (2, 3)
    stripes: Annotated[int, Field(ge=1)] | None = None
    temporal_reduction: bool = False
    attention: Literal["all", "pairs"] = "all"

    @model_validator(mode="after")
    def _attention_is_used(self) -> Self:
        if not any(self.nonlocal_blocks) and (self.stripes is not None or self.attention != "all"):
            raise ValueError(
                "expected some nonlocal_blocks for stripes or attention pairs, received none; "
                "they would be ignored: set stripes to null and attention to all"
            )
        return self

    @model_validator(mode="after")
    def _stripes_split_the_rows(self) -> Self:
        for (stage, stride), blocks in zip(
            _STAGE_STRIDES.items(), self.nonlocal_blocks, strict=True
        ):
            rows = -(-self.height // stride)
            if blocks and self.stripes is not None and rows % self.stripes:
                raise ValueError(
                    f"expected stripes that divide the {rows} rows of {stage} at height "
                    f"{self.height}, received {self.stripes}; choose a divisor, or another height"
                )
        return self

    @model_validator(mode="after")
    def _frames_split(self) -> Self:
        _require_frames(self.clip_frames, multiple=self.frame_multiple)
        return self

    @property
    def frame_multiple(self) -> int:
        """The number of frames of a clip must be a multiple of this."""
        if self.temporal_reduction:
            return 4
        return 2 if self.attention == "pairs" else 1


class STENVANConfig(NVANConfig):
    """STE-NVAN: NVAN with stripes and temporal reduction."""

    kind: Literal["ste-nvan"] = "ste-nvan"  # type: ignore[assignment]
    stripes: Annotated[int, Field(ge=1)] | None = 16
    temporal_reduction: bool = True


class NVAN(TrackletNetwork):
    """Clips [b, t, 3, height, width] → the part `clip`, the mean over t, h and w (FPL).

    Without temporal reduction the order of frames does not matter; with it, and attention over all
    frames, only which frames are in the same pair, and which pairs in the same four.
    Departs: the stem keeps the ReLU that the reference implementation omits, so that ImageNet
    weights see the function they were learned for (spec §5.27).

    Raises:
        ValueError: When the backbone is no timm ResNet, or a stage of it has fewer residual blocks
            than there shall be non-local ones; in `forward`, for a wrong number of frames.
    """

    config: NVANConfig
    # One learning rate for all of it (spec §3.3).
    backbone_modules = ("backbone", "nonlocal_blocks", "neck")

    def __init__(self, config: NVANConfig) -> None:
        super().__init__(config)
        self.backbone = CnnBackbone(
            config.backbone,
            pretrained=config.pretrained,
            weights=config.backbone_weights,
        )
        channels = _stage_channels(config.backbone, self.backbone.network)
        self.nonlocal_blocks = nn.ModuleDict()
        for stage, count in zip(_STAGE_STRIDES, config.nonlocal_blocks, strict=True):
            _require_blocks(config, stage, count, len(self._residual_blocks(stage)))
            self.nonlocal_blocks[stage] = nn.ModuleList(
                NonlocalBlock(channels[stage], stripes=config.stripes) for _ in range(count)
            )
        self.neck = BNNeck(self.backbone.dimension)

    @property
    def part_dimensions(self) -> dict[str, int]:
        """Columns of the one part: the channels of the ResNet."""
        return {"clip": self.backbone.dimension}

    def forward(self, clips: torch.Tensor) -> TrackletFeatures:
        """Clips [b, t, 3, h, w], normalised RGB → features."""
        _require_frames(clips.shape[1], multiple=self.config.frame_multiple)
        maps = torch.unflatten(self._see(clips.flatten(0, 1)), 0, clips.shape[:2])
        for stage in _STAGE_STRIDES:
            maps = self._attend(stage, maps)
            if self.config.temporal_reduction:
                maps = torch.unflatten(maps, 1, (-1, 2)).amax(dim=2)
        last = self._module("layer4")(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        clip_global = last.mean(dim=(1, 3, 4))
        return TrackletFeatures(
            frame_globals={},
            frame_features={},
            tracklet_globals={"clip": clip_global},
            parts={"clip": self.neck(clip_global)},
            attention_maps={},
        )

    def _see(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames [f, 3, h, w] → maps of layer1, [f, c, h/4, w/4]."""
        maps = self.backbone.arrange(frames)
        for name in ("conv1", "bn1", "act1", "maxpool", "layer1"):
            maps = self._module(name)(maps)
        return maps

    def _attend(self, stage: str, maps: torch.Tensor) -> torch.Tensor:
        """Maps [b, t, c, h, w] → [b, t, c', h/2, w/2], non-local blocks after the last blocks."""
        residual, nonlocal_ = self._residual_blocks(stage), self._nonlocal_blocks(stage)
        per_clip = maps.shape[:2]
        together = per_clip[1] if self.config.attention == "all" else 2
        maps = maps.flatten(0, 1)
        plain = len(residual) - len(nonlocal_)
        for block in residual[:plain]:
            maps = block(maps)
        for block, attention in zip(residual[plain:], nonlocal_, strict=True):
            maps = attention(block(maps).unflatten(0, (-1, together))).flatten(0, 1)
        return torch.unflatten(maps, 0, per_clip)

    def _residual_blocks(self, stage: str) -> list[nn.Module]:
        return list(self._module(stage).children())

    def _nonlocal_blocks(self, stage: str) -> list[nn.Module]:
        return list(self.nonlocal_blocks[stage].children())

    def _module(self, name: str) -> nn.Module:
        """A module of the ResNet."""
        return self.backbone.network.get_submodule(name)


def _stage_channels(name: str, network: nn.Module) -> dict[str, int]:
    """Channels of every stage."""
    stages = network.feature_info if isinstance(network, ResNet) else []
    if not stages:
        raise ValueError(
            f"expected a timm ResNet with stages layer1 to layer4, received {name!r}; "
            "choose resnet50.tv_in1k or another ResNet by its timm name"
        )
    return {stage["module"]: stage["num_chs"] for stage in stages}  # type: ignore[misc]


def _require_blocks(config: NVANConfig, stage: str, count: int, available: int) -> None:
    if count > available:
        raise ValueError(
            f"expected at most {available} nonlocal_blocks in {stage} of {config.backbone!r}, "
            f"received {count}; a non-local block follows a residual block"
        )


def _require_frames(frames: int, *, multiple: int) -> None:
    if frames % multiple:
        raise ValueError(
            f"expected clips of a multiple of {multiple} frames, received {frames}; change the "
            "clip, or set temporal_reduction to false and attention to all"
        )
