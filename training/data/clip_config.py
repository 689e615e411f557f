"""How clips are drawn, batched and augmented."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from training.frozen_model import Count, Fraction, FrozenModel, Positive

Share = Annotated[float, Field(gt=0, le=1)]
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
        cache_mib: Memory for decoded frames, so that later passes need no decoding; each process
            of a distributed run has its own. 0 keeps none.
    """

    frames: Count = 8
    frame_sampling: FrameSampling = "near-equal"
    sampling: Literal["identities", "anchors"] = "identities"
    identities: Annotated[int, Field(ge=2)] = 8
    tracklets: Annotated[int, Field(ge=2)] = 2
    workers: Annotated[int, Field(ge=0)] = 2
    cache_mib: Annotated[int, Field(ge=0)] = 0

    @property
    def frames_per_batch(self) -> int:
        """That a process sees in a step."""
        return self.identities * self.tracklets * self.frames


class ColourConfig(FrozenModel):
    """Other light and other cameras, one draw for all frames of a clip.

    Attributes:
        probability: Of changing the colours at all.
        brightness: Most that light may differ, of 1.
        contrast: Most that contrast around the clip's mean may differ, of 1.
        saturation: Most that saturation may differ, of 1.
        hue: Most that hues may turn either way, in turns.
        grey: Probability of showing the clip in grey, whatever else happened to it.
    """

    probability: Fraction = 0.8
    brightness: Fraction = 0.2
    contrast: Fraction = 0.2
    saturation: Fraction = 0.2
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    grey: Fraction = 0.0


class AugmentationConfig(FrozenModel):
    """Clip-consistent augmentation (spec §1.8): one draw for all frames of a clip.

    Attributes:
        flip: Probability of mirroring.
        pad_px: Black border on each side, out of which a frame of the old size is cut; 0 for none.
        erasing: Probability of erasing a rectangle.
        erasing_area: Least and most of the frame that it covers.
        erasing_aspect: Least and most of its height over its width.
        erasing_fill: 0 after normalisation, a random colour (GRL), or that part of a frame of any
            other tracklet, which then stands in front.
        erasing_per_frame: Draw erasing for each frame by itself (GRL).
        colour: Other colours; none without it.
    """

    flip: Fraction = 0.5
    pad_px: Annotated[int, Field(ge=0)] = 10
    erasing: Fraction = 0.5
    erasing_area: tuple[Share, Share] = (0.02, 0.4)
    erasing_aspect: tuple[Positive, Positive] = (0.3, 3.33)
    erasing_fill: Literal["zero", "colour", "frame"] = "zero"
    erasing_per_frame: bool = False
    colour: ColourConfig | None = None

    @model_validator(mode="after")
    def _least_before_most(self) -> Self:
        for name in ("erasing_area", "erasing_aspect"):
            least, most = getattr(self, name)
            if least > most:
                raise ValueError(
                    f"expected augmentation.{name} as [least, most], received [{least}, {most}]; "
                    "swap them"
                )
        return self
