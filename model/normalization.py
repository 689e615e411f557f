"""The one place that knows how pixels become network input."""

import torch
from torch import nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class FrameNormalization(nn.Module):
    """uint8 RGB frames [f, h, w, 3] → normalised float frames [f, 3, h, w].

    The exported graph starts with this module, so that a server sends pixels as they are. The mean
    and deviation are ImageNet's, shared by both branches (spec §1.2).
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1) * 255)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Normalise; see the class for shapes."""
        pixels = frames.permute(0, 3, 1, 2).to(self.get_buffer("mean").dtype)
        return (pixels - self.get_buffer("mean")) / self.get_buffer("std")
