"""What turns a batch of clips into sums that a tracklet's features are means of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from model.normalization import FrameNormalization
from model.tracklet_network import TrackletNetwork
from training.evaluation.clip_plan import ClipPlan, FrameMode, clip_plan
from training.evaluation.histogram import frame_histogram

Precision = Literal["fp32", "bf16"]


class PartSums(NamedTuple):
    """One part of b clips: a tracklet's feature is Σ sums / Σ counts over its clips.

    Attributes:
        sums: [b, d].
        counts: [b]: 1 for a clip's own feature, frames for one that is a mean over frames.
    """

    sums: NDArray[np.floating]
    counts: NDArray[np.floating]


class ArithmeticKey(NamedTuple):
    """What decides features apart from frames and plan.

    Attributes:
        weights_sha256: Of the file of weights; `none` where there are none.
        precision: Of the arithmetic.
        device: Kind of device: kernels differ in the last digits.
    """

    weights_sha256: str
    precision: str
    device: str


class ClipEmbedder(Protocol):
    """A model, or a baseline, as the evaluation sees it."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames it takes."""

    @property
    def arithmetic(self) -> ArithmeticKey:
        """What its features depend on."""

    def plan(self, mode: FrameMode) -> ClipPlan:
        """Which clips it takes."""

    def __call__(
        self, pixels: NDArray[np.uint8], counted: NDArray[np.bool_]
    ) -> dict[str, PartSums]:
        """Clips uint8 [b, t, h, w, 3], counted [b, t] → every part of them."""


class NetworkEmbedder:
    """Every part of a network in one pass, in evaluation mode and without gradients.

    A frame model sees single frames, and only the parts of its embedding come back. Any other sees
    clips: parts that are means over frames count every frame once, the others every clip once.
    """

    def __init__(
        self,
        network: TrackletNetwork,
        *,
        weights_sha256: str,
        precision: Precision = "fp32",
    ) -> None:
        self._network = network
        self._precision = precision
        self._device = next(network.parameters()).device
        self.arithmetic = ArithmeticKey(weights_sha256, precision, self._device.type)
        self._normalize = FrameNormalization().to(self._device)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames it takes."""
        return self._network.config.height, self._network.config.width

    def plan(self, mode: FrameMode) -> ClipPlan:
        """Which clips it takes."""
        return clip_plan(self._network, mode)

    def __call__(
        self, pixels: NDArray[np.uint8], counted: NDArray[np.bool_]
    ) -> dict[str, PartSums]:
        """Clips uint8 [b, t, h, w, 3], counted [b, t] → every part of them."""
        with self._judging():
            frames = torch.from_numpy(pixels).to(self._device).flatten(0, 1)
            clips = torch.unflatten(self._normalize(frames), 0, pixels.shape[:2])
            shown = torch.from_numpy(counted).to(self._device)
            if self._network.batching_unit == "frame":
                rows = self._network.frame_parts(clips.flatten(0, 1))
                return {
                    name: _over_frames(torch.unflatten(values, 0, pixels.shape[:2]), shown)
                    for name, values in rows.items()
                }
            features = self._network(clips)
            by_clip = {name: _once_a_clip(values) for name, values in features.parts.items()}
            by_frame = self._network.frame_rows(features)
            return by_clip | {name: _over_frames(rows, shown) for name, rows in by_frame.items()}

    @contextmanager
    def _judging(self) -> Iterator[None]:
        learning = self._network.training
        self._network.eval()
        half = torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bf16")
        try:
            with torch.inference_mode(), half:
                yield
        finally:
            self._network.train(learning)


class HistogramEmbedder:
    """The baseline's one part, `histogram`: the mean of the frames' colour histograms."""

    def __init__(self, size: tuple[int, int], *, sampled_frames: int) -> None:
        self.size = size
        self.arithmetic = ArithmeticKey("none", "fp64", "cpu")
        self._sampled_frames = sampled_frames

    @classmethod
    def beside(cls, embedder: ClipEmbedder) -> "HistogramEmbedder":
        """A baseline that sees what the model sees."""
        sampled = embedder.plan("dense").sampled_frames
        return cls(embedder.size, sampled_frames=sampled)

    def plan(self, mode: FrameMode) -> ClipPlan:
        """The frames that a network with as many sampled frames sees, one by one."""
        return ClipPlan(mode, self._sampled_frames, "single frames")

    def __call__(
        self, pixels: NDArray[np.uint8], counted: NDArray[np.bool_]
    ) -> dict[str, PartSums]:
        """Clips uint8 [b, t, h, w, 3], counted [b, t] → their part."""
        rows = np.array([[frame_histogram(frame) for frame in clip] for clip in pixels])
        return {"histogram": PartSums((rows * counted[..., None]).sum(1), counted.sum(1))}


def _once_a_clip(rows: torch.Tensor) -> PartSums:
    return PartSums(rows.double().cpu().numpy(), np.ones(len(rows)))


def _over_frames(rows: torch.Tensor, counted: torch.Tensor) -> PartSums:
    """Rows [b, t, d] of frames, counted [b, t]."""
    sums = (rows.double() * counted[..., None]).sum(dim=1)
    return PartSums(sums.cpu().numpy(), counted.sum(dim=1).double().cpu().numpy())
