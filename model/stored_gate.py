"""What an exported graph had to keep before it was published, told so that anyone can repeat it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Cosine = Annotated[float, Field(ge=-1, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MiniGallery(_Frozen):
    """Drawn people before drawn cameras: every pair is one tracklet, ordered by identity.

    Bounded, since whoever verifies an artifact draws as many as its manifest asks for.

    Attributes:
        seed: Of the drawing.
        identities: People.
        cameras: Each sees every identity once.
        frames: Of every tracklet; the clip's own number for a model of clips.
        sha256: Of the pixels as they were drawn, all tracklets in order.
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    identities: Annotated[int, Field(ge=1, le=1000)]
    cameras: Annotated[int, Field(ge=2, le=100)]
    frames: Annotated[int, Field(ge=1, le=1000)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Measured(_Frozen):
    """What the export measured.

    Attributes:
        least_cosine: The least of all tracklets and batches, every part by itself.
        mean_average_precision: Of the graph on the mini-gallery, in percent.
    """

    least_cosine: Cosine
    mean_average_precision: Annotated[float, Field(ge=0, le=100)]


class Gate(_Frozen):
    """The gate's bounds and what the graph was held against.

    Attributes:
        embeddings: File (`.npy`, float16 [tracklets, d]) of the mini-gallery's embeddings as the
            reference made them: the network, or the runtime that an imported graph comes from.
        mini_gallery: Who was drawn.
        largest_batch: The largest number of frames, or clips, that was run at once.
        least_cosine: The bound on every part of every tracklet.
        most_map_change: The bound on the change of mAP, in points of percent.
        mean_average_precision: Of the reference on the mini-gallery, in percent.
        measured: What the graph reached.
    """

    embeddings: str
    mini_gallery: MiniGallery
    largest_batch: Annotated[int, Field(ge=7, le=10_000)]
    least_cosine: Annotated[float, Field(gt=0, le=1)]
    most_map_change: Annotated[float, Field(ge=0)]
    mean_average_precision: Annotated[float, Field(ge=0, le=100)]
    measured: Measured
