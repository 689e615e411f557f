"""Features of tracklets, taken from the cache where they are there, computed and kept where not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from training.data.tracklet import Tracklet
from training.evaluation.clip_embedders import ClipEmbedder
from training.evaluation.clip_plan import FrameMode
from training.evaluation.embed import FRAMES_PER_BATCH, PartMeans, embed_tracklets, frame_count
from training.evaluation.feature_cache import FeatureCache, tracklet_digest
from training.evaluation.feature_key import FeatureKey
from training.frozen_model import Count, FrozenModel

# How many tracklets an interrupted run loses at most, unless it ends in good order.
TRACKLETS_PER_FILE = 64


class EmbeddingSettings(FrozenModel):
    """How tracklets are embedded, the same for every method that is compared.

    Attributes:
        mode: Which frames are seen.
        frames_per_batch: How many frames are computed with at once, at most.
        cache: Directory of caches; none keeps nothing.
    """

    mode: FrameMode = "dense"
    frames_per_batch: Count = FRAMES_PER_BATCH
    cache: Path | None = None


PartRows = dict[str, NDArray[np.float32]]


def embed_parts(
    tracklets: Sequence[Tracklet],
    embedder: ClipEmbedder,
    settings: EmbeddingSettings,
    *,
    title: str,
    progress: Progress,
) -> PartRows:
    """Every part of every tracklet, [n, d]; a cache is read first and filled as the work goes on.

    Cache files that are not as they were written are removed, said so, and computed again.

    Raises:
        ValueError: When there is no tracklet, a frame cannot be read, a feature is not finite, or
            the cache cannot be written.
    """
    if not tracklets:
        raise ValueError("expected tracklets to embed, received none; check the split")
    if settings.cache is None:
        digests = [str(position) for position in range(len(tracklets))]
        cache, known = None, {}
    else:
        digests = [tracklet_digest(tracklet) for tracklet in tracklets]
        cache = FeatureCache.open(settings.cache, FeatureKey.of(embedder, settings.mode))
        known = _load(cache, progress)
    absent = {
        digest: tracklet
        for digest, tracklet in zip(digests, tracklets, strict=True)
        if digest not in known
    }
    watch = _Watch(progress, title, frame_count(list(absent.values()), embedder, settings.mode))
    known |= _compute(absent, embedder, settings, cache=cache, watch=watch)
    rows = [known[digest] for digest in digests]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _load(cache: FeatureCache, progress: Progress) -> dict[str, PartMeans]:
    features, damaged = cache.load()
    for path in damaged:
        progress.console.print(
            f"removed {path}, which was damaged; its tracklets are embedded again",
            markup=False,
            highlight=False,
        )
    return features


class _Watch:
    """A progress bar over frames that says how many of them a second."""

    def __init__(self, progress: Progress, title: str, frames: int) -> None:
        self._progress = progress
        self._title = title
        self._task = progress.add_task(title, total=frames)

    def __call__(self, frames: int) -> None:
        self._progress.advance(self._task, frames)
        speed = next(task.speed for task in self._progress.tasks if task.id == self._task)
        if speed is not None:
            described = f"{self._title}, {speed:.0f} frames/s"
            self._progress.update(self._task, description=described)


def _compute(
    absent: dict[str, Tracklet],
    embedder: ClipEmbedder,
    settings: EmbeddingSettings,
    *,
    cache: FeatureCache | None,
    watch: _Watch,
) -> dict[str, PartMeans]:
    computed: dict[str, PartMeans] = {}
    unsaved: dict[str, PartMeans] = {}
    stream = embed_tracklets(
        list(absent.values()),
        embedder,
        mode=settings.mode,
        frames_per_batch=settings.frames_per_batch,
        frames_done=watch,
    )
    try:
        for digest, features in zip(absent, stream, strict=True):
            unsaved[digest] = features
            if len(unsaved) == TRACKLETS_PER_FILE:
                computed |= _save(cache, unsaved)
                unsaved = {}
    finally:
        computed |= _save(cache, unsaved)
    return computed


def _save(cache: FeatureCache | None, features: dict[str, PartMeans]) -> dict[str, PartMeans]:
    if cache is not None and features:
        cache.add(features)
    return features
