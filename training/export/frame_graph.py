"""The network as a server runs it: one feature per frame, straight from pixels."""

import torch
from torch import nn

from model.dcct import DCCT
from model.normalization import FrameNormalization


class FrameGraph(nn.Module):
    """uint8 RGB frames [n, h, w, 3] → frame features [n, d], the parts after their necks.

    The mean of these rows over a tracklet, part by part, is the network's own tracklet feature:
    in evaluation the neck is affine, and pooling commutes with it.
    """

    def __init__(self, network: DCCT) -> None:
        super().__init__()
        self.normalize = FrameNormalization()
        self.network = network

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames → features; see the class for shapes."""
        globals_by_part = self.network.frame_globals(self.normalize(frames))
        necked = [self.network.necks[name](rows) for name, rows in globals_by_part.items()]
        return torch.cat(necked, dim=1)
