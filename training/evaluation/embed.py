"""Tracklets → the mean features of their parts, in one pass and in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np
import torch
from numpy.typing import NDArray

from model.features import embedding
from model.tracklet_network import TrackletNetwork
from training.data.tracklet import Tracklet
from training.evaluation.clip_batches import ClipBatch, clip_batches
from training.evaluation.clip_embedders import ClipEmbedder, NetworkEmbedder, PartSums
from training.evaluation.clip_plan import FrameMode

FRAMES_PER_BATCH = 64

Frames = NDArray[np.uint8]
PartMeans = dict[str, NDArray[np.float32]]
FramesDone = Callable[[int], None]

_ClipRow = tuple[int, dict[str, tuple[NDArray[np.floating], float]]]


def embed_tracklets(
    tracklets: Sequence[Tracklet],
    embedder: ClipEmbedder,
    *,
    mode: FrameMode,
    frames_per_batch: int = FRAMES_PER_BATCH,
    frames_done: FramesDone | None = None,
) -> Iterator[PartMeans]:
    """The means of every part over a tracklet's clips, [d] each, in the order of the tracklets.

    What comes back does not depend on `frames_per_batch`, but for the last digits in which kernels
    for batches of different sizes differ.

    Args:
        tracklets: What to embed.
        embedder: A network, or the baseline.
        mode: Which frames are seen.
        frames_per_batch: How many frames are computed with at once, at most.
        frames_done: Called after every batch with the frames it had, if given.

    Raises:
        ValueError: When a frame cannot be read, with its path, or a feature is not finite.
    """
    batches = clip_batches(
        tracklets, embedder.plan(mode), size=embedder.size, frames_per_batch=frames_per_batch
    )
    rows = (row for batch in batches for row in _rows(batch, embedder, frames_done))
    for position, clips in groupby(rows, key=itemgetter(0)):
        yield _means(tracklets[position], (parts for _, parts in clips))


def frame_count(tracklets: Sequence[Tracklet], embedder: ClipEmbedder, mode: FrameMode) -> int:
    """How many frames `embed_tracklets` reports as done, all batches together."""
    plan = embedder.plan(mode)
    return sum(len(clip.positions) for one in tracklets for clip in plan.clips(len(one.frames)))


def join_parts(parts: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """Parts [n, d_i] → embeddings [n, Σ d_i], as every model makes them (spec §1.9)."""
    joined = embedding({str(i): torch.from_numpy(part) for i, part in enumerate(parts)})
    rows: NDArray[np.float32] = joined.numpy().astype(np.float32)
    return rows


def embed_frames(network: TrackletNetwork, frames: Frames) -> NDArray[np.float32]:
    """All of these frames, uint8 [n, h, w, 3], as one tracklet → its embedding [d].

    A network that sees clips is shown every frame (spec §1.10).
    """
    embedder = NetworkEmbedder(network, weights_sha256="in memory")
    planned = embedder.plan("dense").clips(len(frames))
    pixels = np.stack([frames[list(clip.positions)] for clip in planned])
    sums = embedder(pixels, np.array([clip.counted for clip in planned]))
    means = [sums[name].sums.sum(0) / sums[name].counts.sum() for name in network.embedding_parts]
    joined: NDArray[np.float32] = join_parts([mean[None] for mean in means])[0]
    return joined


def _rows(
    batch: ClipBatch, embedder: ClipEmbedder, frames_done: FramesDone | None
) -> Iterator[_ClipRow]:
    parts = embedder(batch.pixels, batch.counted)
    if frames_done is not None:
        frames_done(batch.counted.size)
    for row, position in enumerate(batch.tracklets):
        yield position, {name: _row(part, row) for name, part in parts.items()}


def _row(part: PartSums, row: int) -> tuple[NDArray[np.floating], float]:
    return part.sums[row], float(part.counts[row])


def _means(
    tracklet: Tracklet, clips: Iterable[dict[str, tuple[NDArray[np.floating], float]]]
) -> PartMeans:
    """Summed in double precision, so that the order of summation does not show."""
    totals: dict[str, tuple[NDArray[np.floating], float]] = {}
    for clip in clips:
        for name, (values, count) in clip.items():
            total, counted = totals.get(name, (np.zeros_like(values), 0.0))
            totals[name] = (total + values, counted + count)
    return {name: _finite(tracklet, name, total / n) for name, (total, n) in totals.items()}


def _finite(tracklet: Tracklet, part: str, mean: NDArray[np.floating]) -> NDArray[np.float32]:
    if not np.isfinite(mean).all():
        raise ValueError(
            f"expected finite features, received NaN or infinity in {part!r} of "
            f"{tracklet.name!r}; check the weights"
        )
    rounded: NDArray[np.float32] = mean.astype(np.float32)
    return rounded
