"""How clips are drawn, batched and augmented."""

from typing import Annotated, Literal

from pydantic import Field

from training.frozen_model import Count, Fraction, FrozenModel

FrameSampling = Literal["near-equal", "ceil", "local"]


class ClipConfig(FrozenModel):
    """Clips and batches: `identities` × `tracklets` clips of `frames` frames a step.

    Attributes:
        frames: T, frames of a clip.
        frame_sampling: How they are drawn (spec §1.8): one from each of T near-equal chunks, from
            each chunk of ⌈n/T⌉ (GRL, NVAN), or from chunks of a short window (DCCT's code).
        sampling: Batches of `identities` distinct identities, or of `identities` anchors: every
            tracklet in turn, beside `tracklets` - 1 of its identity (GRL).
        identities: P, identities or anchors of a batch.
        tracklets: K, clips of each.
        workers: Threads that decode ahead; 0 decodes only when a batch is wanted.
    """

    frames: Count = 8
    frame_sampling: FrameSampling = "near-equal"
    sampling: Literal["identities", "anchors"] = "identities"
    identities: Annotated[int, Field(ge=2)] = 8
    tracklets: Annotated[int, Field(ge=2)] = 2
    workers: Annotated[int, Field(ge=0)] = 0


class AugmentationConfig(FrozenModel):
    """Clip-consistent augmentation (spec §1.8)."""

    flip: Fraction = 0.5
    pad_px: Annotated[int, Field(ge=0)] = 10
    erasing: Fraction = 0.5
