"""What every model is: a configuration, named parts, and clips in, `TrackletFeatures` out.

The trainer, the evaluator and the exporter know models through this file alone.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from model.features import TrackletFeatures, embedding


class ModelConfig(BaseModel):
    """What the configuration of every model has.

    Attributes:
        kind: Name of the model in the registry.
        height: Pixel rows of a frame.
        width: Pixel columns of a frame.
        clip_frames: T, the frames of a clip that the model is made for.
        pretrained: Fetch ImageNet (or the named) weights of the backbones through timm.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    height: Annotated[int, Field(ge=32)] = 256
    width: Annotated[int, Field(ge=32)] = 128
    clip_frames: Annotated[int, Field(ge=1)] = 8
    pretrained: bool = False

    @property
    def summary(self) -> str:
        """The model in a few words, as errors and model cards say it."""
        return f"{self.kind} at {self.height}×{self.width}"

    def initial_weight_files(self) -> dict[str, Path]:
        """Local weight files the backbones start from, by the field that names them."""
        return {
            name: value
            for name, value in self
            if name.endswith("weights") and isinstance(value, Path)
        }

    def uninitialized(self) -> Self:
        """The same network, with nothing fetched or read: for weights about to be replaced."""
        nothing = dict.fromkeys(self.initial_weight_files())
        return self.model_copy(update={"pretrained": False, **nothing})


class TrackletNetwork(nn.Module, ABC):
    """Clips [b, t, 3, height, width], normalised RGB → `TrackletFeatures`.

    Attributes:
        config: What the network was built from.
        backbone_modules: Names of the submodules that learn at the backbones' rate; every other
            layer is new and learns faster (spec §1.7).
        dense_clips: How a tracklet is cut into clips where every frame is to be seen: every i-th
            frame makes one, or runs of consecutive frames do (spec §1.10).
    """

    backbone_modules: tuple[str, ...] = ()
    dense_clips: Literal["interleaved", "consecutive"] = "interleaved"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config

    @abstractmethod
    def forward(self, clips: torch.Tensor) -> TrackletFeatures:
        """Clips [b, t, 3, h, w] → features; see the class."""

    @property
    @abstractmethod
    def part_dimensions(self) -> dict[str, int]:
        """Columns of every part that `forward` returns."""

    @property
    def embedding_parts(self) -> tuple[str, ...]:
        """Names of the parts that make the embedding, in its order."""
        return tuple(self.part_dimensions)

    @property
    def embedding_dimensions(self) -> dict[str, int]:
        """Columns of every part of the embedding, in its order."""
        dimensions = self.part_dimensions
        return {name: dimensions[name] for name in self.embedding_parts}

    @property
    def batching_unit(self) -> Literal["frame", "clip"]:
        """`frame` when the embedding's parts are means of features of single frames."""
        return "clip"

    def frame_parts(self, frames: torch.Tensor) -> dict[str, torch.Tensor]:  # noqa: ARG002
        """Frames [f, 3, h, w] → the embedding's parts of single frames, [f, d] each.

        Their means over a tracklet are the tracklet's own parts (in evaluation mode).

        Raises:
            ValueError: When the model is no frame model.
        """
        raise ValueError(
            "expected a model whose embedding is a mean over frames, received "
            f"{self.config.summary}, which sees clips of {self.config.clip_frames} frames; "
            "give it clips, or take the backbones-only student of a DCCT"
        )

    def frame_rows(self, features: TrackletFeatures) -> dict[str, torch.Tensor]:  # noqa: ARG002
        """Parts that are means over a clip's frames, each seen by itself: their rows, [b, t, d].

        Whoever repeats a frame to fill a clip can count it once with them.
        """
        return {}

    def embed(self, clips: torch.Tensor) -> torch.Tensor:
        """Clips [b, t, 3, h, w] → embeddings [b, Σ d], L2-normalised."""
        parts = self(clips).parts
        return embedding({name: parts[name] for name in self.embedding_parts})
