"""What features depend on, apart from the frames themselves."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

import model
import training.data
import training.evaluation
from training.evaluation.clip_embedders import ClipEmbedder
from training.evaluation.clip_plan import Arrangement, FrameMode

_SOURCES = (
    *(Path(training.data.__path__[0]) / f"frame_{name}.py" for name in ("reading", "sampling")),
    *(
        Path(training.evaluation.__path__[0]) / f"{name}.py"
        for name in (
            "artifact_candidate",
            "clip_batches",
            "clip_embedders",
            "clip_plan",
            "embed",
            "histogram",
        )
    ),
)


class FeatureKey(BaseModel):
    """Everything that decides the features of a given tracklet.

    Attributes:
        weights_sha256: Of the file of weights; `none` for the baseline, which has none.
        mode: Which frames are seen.
        sampled_frames: T.
        arrangement: How they make clips.
        height: Pixel rows of a frame.
        width: Pixel columns of a frame.
        precision: Of the arithmetic.
        device: Kind of device: kernels differ in the last digits.
        code_sha256: Of the source that turns frames into features.
        torch: Version.
        timm: Version.
        pillow: Version; it decodes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights_sha256: str
    mode: FrameMode
    sampled_frames: int
    arrangement: Arrangement
    height: int
    width: int
    precision: str
    device: str
    code_sha256: str
    torch: str
    timm: str
    pillow: str

    @classmethod
    def of(cls, embedder: ClipEmbedder, mode: FrameMode) -> Self:
        """The key of features made now, by this code."""
        plan, (height, width) = embedder.plan(mode), embedder.size
        return cls(
            **embedder.arithmetic._asdict(),
            mode=plan.mode,
            sampled_frames=plan.sampled_frames,
            arrangement=plan.arrangement,
            height=height,
            width=width,
            code_sha256=code_digest(),
            **{name: version(name) for name in ("torch", "timm", "pillow")},
        )

    def digest(self) -> str:
        """SHA-256 of the key."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


@cache
def code_digest() -> str:
    """SHA-256 of the source of `model` and of the modules between a frame and its features."""
    digest = hashlib.sha256()
    for path in (*sorted(Path(model.__path__[0]).rglob("*.py")), *_SOURCES):
        digest.update(path.read_bytes())
    return digest.hexdigest()
