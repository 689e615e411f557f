"""The network as a server runs it: one feature per frame, straight from pixels."""

import torch
from torch import nn

from model.normalization import FrameNormalization
from model.tracklet_network import TrackletNetwork


class FrameGraph(nn.Module):
    """uint8 RGB frames [n, h, w, 3] → frame features [n, d], the parts after their necks.

    The mean of these rows over a tracklet, part by part, is the network's own tracklet feature:
    in evaluation the neck is affine, and pooling commutes with it.
    """

    def __init__(self, network: TrackletNetwork) -> None:
        super().__init__()
        self.normalize = FrameNormalization()
        self.network = network

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames → features; see the class for shapes."""
        parts = self.network.frame_parts(self.normalize(frames))
        return torch.cat(list(parts.values()), dim=1)
