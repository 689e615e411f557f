"""How tracklets were compared: the block that stands beside every number this project reports."""

from typing import Literal

from training.evaluation.clip_plan import EVENLY_SPACED, Arrangement, FrameMode
from training.frozen_model import FrozenModel


class RetrievalProtocol(FrozenModel):
    """Two numbers may be compared when these are equal.

    Attributes:
        data_set: Name in the catalogue.
        splits: Names of the splits.
        weights: Whether every split was judged with weights of its own. One file for several splits
            gives a fair number only where it learned from none of them.
        validation_identities: How many identities of the training tracklets were asked about; none
            where the splits' own queries, or all tracklets, were.
        queries: Whether the split names who asks, or every tracklet asks about all others.
        gallery_includes_query: Whether queries are searched too; they never match themselves.
        same_camera: Whether tracklets of the query's identity from its own camera were ranked.
        same_outfit: The same of tracklets in its own outfit.
        average_precision: `standard`, or the trapezoid of the official MARS evaluation.
        similarity: What is ranked by.
        frames: Which frames of a tracklet were seen.
        sampled_frames: T, frames of a clip, and of a tracklet where `frames` is `fast`.
        clips: How the frames made clips.
        height: Pixel rows of a frame.
        width: Pixel columns of a frame.
        precision: Of the arithmetic.
        rerank: Settings of k-reciprocal re-ranking, or none.
        query_expansion: How many neighbours a query was averaged with, or none.
        test_time_augmentation: None here; named because others average over flipped frames.
    """

    data_set: str
    splits: tuple[str, ...]
    weights: Literal["one file", "one file per split"] = "one file"
    validation_identities: int | None = None
    queries: Literal["of the split", "every tracklet"]
    gallery_includes_query: bool
    same_camera: Literal["exclude", "keep"] = "exclude"
    same_outfit: Literal["exclude", "keep"] = "keep"
    average_precision: Literal["standard", "mars"] = "standard"
    similarity: Literal["cosine"] = "cosine"
    frames: FrameMode
    sampled_frames: int
    clips: Arrangement
    height: int
    width: int
    precision: Literal["fp32", "bf16"] = "fp32"
    rerank: str | None = None
    query_expansion: int | None = None
    test_time_augmentation: Literal["none"] = "none"

    @property
    def subject(self) -> str:
        """Which tracklets, in a few words."""
        if self.validation_identities is not None:
            return f"the last {self.validation_identities} identities of {self.data_set}"
        if len(self.splits) > 1:
            return f"{len(self.splits)} splits of {self.data_set}"
        return f"split {self.splits[0]!r} of {self.data_set}"

    def sentence(self) -> str:
        """The protocol as a person writes it down."""
        return "; ".join(
            [
                self._who_asks(),
                *self._left_out(),
                *self._ranked_by(),
                f"{self._average_precision()} average precision",
                f"{self._frames()}, {self._clips()}",
            ]
        )

    def _who_asks(self) -> str:
        if self.queries == "every tracklet":
            return "every tracklet is a query against all others"
        searched = "with" if self.gallery_includes_query else "without"
        return f"the split's queries against its gallery {searched} the queries"

    def _left_out(self) -> list[str]:
        left_out = [
            f"same {what}"
            for what, rule in (("camera", self.same_camera), ("outfit", self.same_outfit))
            if rule == "exclude"
        ]
        return [f"same identity and {' or '.join(left_out)} left out"] if left_out else []

    def _ranked_by(self) -> list[str]:
        expanded = f"queries expanded with {self.query_expansion} neighbours"
        return [
            self.similarity,
            *([expanded] if self.query_expansion is not None else []),
            *([f"re-ranked ({self.rerank})"] if self.rerank is not None else []),
        ]

    def _average_precision(self) -> str:
        return {"standard": "standard", "mars": "official MARS (trapezoid)"}[self.average_precision]

    def _frames(self) -> str:
        if self.frames == "dense":
            return "every frame"
        if self.frames == "fast":
            return f"the first frame of each of {self.sampled_frames} chunks"
        most = EVENLY_SPACED[self.frames].most
        return "the middle frame" if most == 1 else f"at most {most} evenly spaced frames"

    def _clips(self) -> str:
        if self.clips == "single frames":
            return "one by one"
        return f"in {self.clips} clips of {self.sampled_frames}"
