"""The network as a server runs it: pixels in, features of frames or embeddings of clips out."""

import numpy as np
import torch
from torch import nn

from model.manifest import EmbeddingPart, OutputTensor, Preprocessing
from model.normalization import FrameNormalization
from model.tracklet_network import TrackletNetwork
from training.evaluation.clip_plan import FRAME_CHOICE
from training.export.graph_runner import Features, Items, RunItems
from training.export.resizing import AntialiasedResize

OUTPUT_NAME = "features"
Size = tuple[int, int]


class FrameGraph(nn.Module):
    """uint8 RGB frames [n, h, w, 3] → frame features [n, d], the parts after their necks.

    The mean of these rows over a tracklet, part by part, is the network's own tracklet feature:
    in evaluation the neck is affine, and pooling commutes with it.

    Args:
        network: What to run.
        size: Rows and columns of the frames that come in; they are resized to the network's own.
    """

    input_name = "frames"

    def __init__(self, network: TrackletNetwork, size: Size) -> None:
        super().__init__()
        self.pixels = _pixels(network, size)
        self.network = network

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames → features; see the class for shapes."""
        parts = self.network.frame_parts(self.pixels(frames))
        return torch.cat(list(parts.values()), dim=1)


class ClipGraph(nn.Module):
    """uint8 RGB clips [b, t, h, w, 3] → embeddings [b, d], L2-normalised by part and as a whole.

    Args:
        network: What to run.
        size: Rows and columns of the frames that come in; they are resized to the network's own.
    """

    input_name = "clips"

    def __init__(self, network: TrackletNetwork, size: Size) -> None:
        super().__init__()
        self.pixels = _pixels(network, size)
        self.network = network

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Clips → embeddings; see the class for shapes."""
        frames = self.pixels(clips.flatten(0, 1))
        return self.network.embed(frames.unflatten(0, (-1, clips.shape[1])))


def network_graph(network: TrackletNetwork, size: Size | None = None) -> FrameGraph | ClipGraph:
    """The graph of this network in evaluation mode, for frames of this size or its own."""
    kind = FrameGraph if network.batching_unit == "frame" else ClipGraph
    return kind(network, size or _own_size(network)).eval()


def _pixels(network: TrackletNetwork, size: Size) -> nn.Module:
    """uint8 frames [f, h, w, 3] → the network's input; resizing commutes with normalising."""
    own = _own_size(network)
    if size == own:
        return FrameNormalization()
    return nn.Sequential(FrameNormalization(), AntialiasedResize(size, own))


def _own_size(network: TrackletNetwork) -> Size:
    return network.config.height, network.config.width


def network_runner(graph: nn.Module) -> RunItems:
    """Run the graph with torch, as it is."""

    def run(items: Items) -> Features:
        with torch.inference_mode():
            features: Features = graph(torch.from_numpy(np.ascontiguousarray(items))).numpy()
        return features

    return run


def preprocessing_of(network: TrackletNetwork, size: Size | None = None) -> Preprocessing:
    """How a frame becomes a row of the graph's input, of this size or the network's own."""
    frame = network.batching_unit == "frame"
    height, width = size or _own_size(network)
    return Preprocessing(
        frames_per_clip=None if frame else network.config.clip_frames,
        choice=FRAME_CHOICE,
        height=height,
        width=width,
        interpolation="bilinear_antialias",
        colour="RGB",
    )


def output_of(network: TrackletNetwork) -> OutputTensor:
    """What the graph gives, and the way to the embedding."""
    parts = tuple(
        EmbeddingPart(name=name, dimension=dimension)
        for name, dimension in network.embedding_dimensions.items()
    )
    return OutputTensor(
        name=OUTPUT_NAME,
        dimension=sum(part.dimension for part in parts),
        normalised=True,
        metric="cosine",
        pooling="mean" if network.batching_unit == "frame" else "none",
        parts=parts,
    )
