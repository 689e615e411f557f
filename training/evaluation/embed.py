"""Tracklets → embeddings, in evaluation mode, every frame seen by itself."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from model.features import embedding
from model.manifest import FrameChoice
from model.normalization import FrameNormalization
from model.tracklet_network import TrackletNetwork
from training.data.frame_reading import read_frame
from training.data.frame_sampling import interleaved_clips
from training.data.tracklet import Tracklet
from training.evaluation.embedding_table import EmbeddingTable

Frames = NDArray[np.uint8]
EmbedFrames = Callable[[Frames], NDArray[np.floating]]


def embed_tracklets(
    tracklets: Iterable[Tracklet],
    embed: EmbedFrames,
    *,
    choice: FrameChoice,
    size: tuple[int, int],
) -> EmbeddingTable:
    """Read the chosen frames of every tracklet and embed them.

    Args:
        tracklets: What to embed; wrap it to watch progress.
        embed: Frames uint8 [t, h, w, 3] → embedding [d].
        choice: Which frames, as the manifest says.
        size: Height and width of a frame.
    """
    embedded: list[Tracklet] = []
    embeddings: list[NDArray[np.floating]] = []
    for tracklet in tracklets:
        embedded.append(tracklet)
        embeddings.append(embed(read_frames(tracklet, choice=choice, size=size)))
    return EmbeddingTable.of(embedded, np.stack(embeddings))


def read_frames(tracklet: Tracklet, *, choice: FrameChoice, size: tuple[int, int]) -> Frames:
    """The chosen frames of a tracklet, uint8 [t, h, w, 3]."""
    paths = [tracklet.frames[i] for i in choice.indices(len(tracklet.frames))]
    return np.stack([read_frame(path, height=size[0], width=size[1]) for path in paths])


def network_embedder(network: TrackletNetwork) -> EmbedFrames:
    """Embed with a trained network, which is put in evaluation mode.

    A frame model sees all frames as one clip. Any other sees clips of its own length that together
    show every frame, and the parts are averaged over them (spec §1.10).
    """
    network.eval()
    device = next(network.parameters()).device
    normalize = FrameNormalization().to(device)

    def embed(frames: Frames) -> NDArray[np.floating]:
        with torch.inference_mode():
            normalized = normalize(torch.from_numpy(frames).to(device))
            parts = network(_clips(normalized, network)).parts
            means = {
                name: parts[name].mean(dim=0, keepdim=True) for name in network.embedding_parts
            }
            return embedding(means)[0].cpu().numpy()

    return embed


def _clips(frames: torch.Tensor, network: TrackletNetwork) -> torch.Tensor:
    """Frames [t, 3, h, w] → the clips [b, t', 3, h, w] that `network` wants of them."""
    if network.batching_unit == "frame":
        return frames[None]
    chosen = interleaved_clips(len(frames), network.config.clip_frames)
    return torch.stack([frames[list(positions)] for positions in chosen])
