"""Tracklets → embeddings, in evaluation mode, every frame seen by itself."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from model.dcct import DCCT
from model.features import embedding
from model.manifest import FrameChoice
from model.normalization import FrameNormalization
from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet
from training.evaluation.ranking import RankedTracklet

Frames = NDArray[np.uint8]
EmbedFrames = Callable[[Frames], NDArray[np.floating]]


def embed_tracklets(
    tracklets: Iterable[Tracklet],
    embed: EmbedFrames,
    *,
    choice: FrameChoice,
    size: tuple[int, int],
) -> list[RankedTracklet]:
    """Read the chosen frames of every tracklet and embed them.

    Args:
        tracklets: What to embed; wrap it to watch progress.
        embed: Frames uint8 [t, h, w, 3] → embedding [d].
        choice: Which frames, as the manifest says.
        size: Height and width of a frame.
    """
    return [
        RankedTracklet(
            name=tracklet.name,
            identity=tracklet.identity,
            camera=tracklet.camera,
            embedding=embed(read_frames(tracklet, choice=choice, size=size)),
        )
        for tracklet in tracklets
    ]


def read_frames(tracklet: Tracklet, *, choice: FrameChoice, size: tuple[int, int]) -> Frames:
    """The chosen frames of a tracklet, uint8 [t, h, w, 3]."""
    paths = [tracklet.frames[i] for i in choice.indices(len(tracklet.frames))]
    return np.stack([read_frame(path, height=size[0], width=size[1]) for path in paths])


def network_embedder(network: DCCT) -> EmbedFrames:
    """Embed with a trained network, which is put in evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    normalize = FrameNormalization().to(device)

    def embed(frames: Frames) -> NDArray[np.floating]:
        with torch.inference_mode():
            clip = normalize(torch.from_numpy(frames).to(device))[None]
            return embedding(network(clip).parts)[0].cpu().numpy()

    return embed
