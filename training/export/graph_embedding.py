"""Tracklets on disk → embeddings, by an artifact's own graph and choice of frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from model.manifest import Manifest, load_manifest, verify_files
from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet
from training.export.graph_runner import Items, RunItems, open_runner, run_in_batches
from training.export.tracklet_embedding import tracklet_embeddings

LARGEST_BATCH = 32


def embed_by_artifact(
    directory: Path, tracklets: Sequence[Tracklet], *, progress: Progress
) -> NDArray[np.float32]:
    """Embeddings [n, d], as a server would give them.

    Raises:
        ValueError: When the artifact is not as its manifest says, its graph cannot be loaded, a
            frame cannot be read, or a feature is not finite.
    """
    manifest = load_manifest(directory)
    verify_files(directory, manifest)
    run = open_runner(directory, manifest.graph)
    task = progress.add_task("tracklets", total=len(tracklets))
    rows = []
    for tracklet in tracklets:
        rows.append(_embedding(tracklet, run, manifest))
        progress.advance(task)
    return np.stack(rows)


def clip_positions(frames: int, manifest: Manifest) -> NDArray[np.int64]:
    """Positions [k, t] of a tracklet's frames in its clips: one, or as many as the frames fill.

    One clip takes the middle frames of equal spans. Of k clips the i-th takes every k-th frame from
    the i-th on, so that each spans the tracklet.
    """
    length = manifest.preprocessing.frames_per_clip or 1
    clips = 1 if manifest.output.pooling == "none" else -(-frames // length)
    spans = 2 * np.arange(length) + 1
    own = [np.arange(start, frames, clips) for start in range(clips)]
    return np.stack([positions[spans * len(positions) // (2 * length)] for positions in own])


def _embedding(tracklet: Tracklet, run: RunItems, manifest: Manifest) -> NDArray[np.float32]:
    features = run_in_batches(run, _items(tracklet, manifest), largest=LARGEST_BATCH)
    if not np.isfinite(features).all():
        raise ValueError(
            f"expected finite features of {tracklet.name!r}, received others; "
            "check the graph with `reid-train verify`"
        )
    embedding: NDArray[np.float32] = tracklet_embeddings(features[None], manifest.output.parts)[0]
    return embedding


def _items(tracklet: Tracklet, manifest: Manifest) -> Items:
    preprocessing = manifest.preprocessing
    chosen = preprocessing.choice.indices(len(tracklet.frames))
    frames = np.stack(
        [
            read_frame(
                tracklet.frames[position],
                height=preprocessing.height,
                width=preprocessing.width,
            )
            for position in chosen
        ]
    )
    if preprocessing.frames_per_clip is None:
        return frames
    clips: Items = frames[clip_positions(len(frames), manifest)]
    return clips
