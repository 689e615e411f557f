"""How clips are drawn, batched and augmented."""

from typing import Annotated

from pydantic import Field

from training.frozen_model import Count, Fraction, FrozenModel


class ClipConfig(FrozenModel):
    """Clips and batches: `identities` × `tracklets` clips of `frames` frames a step."""

    frames: Count = 8
    identities: Annotated[int, Field(ge=2)] = 8
    tracklets: Annotated[int, Field(ge=2)] = 2
    workers: Annotated[int, Field(ge=0)] = 0


class AugmentationConfig(FrozenModel):
    """Clip-consistent augmentation (spec §1.8)."""

    flip: Fraction = 0.5
    pad_px: Annotated[int, Field(ge=0)] = 10
    erasing: Fraction = 0.5
