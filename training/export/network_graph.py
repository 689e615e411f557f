"""The network as a server runs it: pixels in, features of frames or embeddings of clips out."""

import numpy as np
import torch
from torch import nn

from model.manifest import EmbeddingPart, OutputTensor, Preprocessing
from model.normalization import FrameNormalization
from model.tracklet_network import TrackletNetwork
from training.evaluation.clip_plan import FRAME_CHOICE
from training.export.graph_runner import Features, Items, RunItems

OUTPUT_NAME = "features"


class FrameGraph(nn.Module):
    """uint8 RGB frames [n, h, w, 3] → frame features [n, d], the parts after their necks.

    The mean of these rows over a tracklet, part by part, is the network's own tracklet feature:
    in evaluation the neck is affine, and pooling commutes with it.
    """

    input_name = "frames"

    def __init__(self, network: TrackletNetwork) -> None:
        super().__init__()
        self.normalize = FrameNormalization()
        self.network = network

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames → features; see the class for shapes."""
        parts = self.network.frame_parts(self.normalize(frames))
        return torch.cat(list(parts.values()), dim=1)


class ClipGraph(nn.Module):
    """uint8 RGB clips [b, t, h, w, 3] → embeddings [b, d], L2-normalised by part and as a whole."""

    input_name = "clips"

    def __init__(self, network: TrackletNetwork) -> None:
        super().__init__()
        self.normalize = FrameNormalization()
        self.network = network

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Clips → embeddings; see the class for shapes."""
        frames = self.normalize(clips.flatten(0, 1))
        return self.network.embed(frames.unflatten(0, (-1, clips.shape[1])))


def network_graph(network: TrackletNetwork) -> FrameGraph | ClipGraph:
    """The graph of this network in evaluation mode."""
    graph = FrameGraph(network) if network.batching_unit == "frame" else ClipGraph(network)
    return graph.eval()


def network_runner(graph: nn.Module) -> RunItems:
    """Run the graph with torch, as it is."""

    def run(items: Items) -> Features:
        with torch.inference_mode():
            features: Features = graph(torch.from_numpy(np.ascontiguousarray(items))).numpy()
        return features

    return run


def preprocessing_of(network: TrackletNetwork) -> Preprocessing:
    """How a frame becomes a row of the network's input."""
    frame = network.batching_unit == "frame"
    return Preprocessing(
        frames_per_clip=None if frame else network.config.clip_frames,
        choice=FRAME_CHOICE,
        height=network.config.height,
        width=network.config.width,
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
