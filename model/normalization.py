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


class Renormalization(nn.Module):
    """Frames [f, 3, h, w] normalised as `FrameNormalization` does → normalised for one backbone.

    Args:
        mean: The backbone's mean of red, green and blue, of pixels from 0 to 1.
        std: Its deviations.
    """

    def __init__(self, *, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        shared = list(zip(IMAGENET_MEAN, IMAGENET_STD, mean, std, strict=True))
        scale = [shared_std / own_std for _, shared_std, _, own_std in shared]
        shift = [(shared_mean - own_mean) / own_std for shared_mean, _, own_mean, own_std in shared]
        # Constants of the configuration: a file of weights neither holds nor overwrites them.
        self.register_buffer("scale", torch.tensor(scale).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", torch.tensor(shift).view(1, 3, 1, 1), persistent=False)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Renormalise; [f, 3, h, w] → [f, 3, h, w]."""
        return frames * self.get_buffer("scale") + self.get_buffer("shift")


def renormalization(*, mean: tuple[float, ...], std: tuple[float, ...]) -> Renormalization | None:
    """What turns shared normalisation into the given one, or none when that is the same."""
    if (mean, std) == (IMAGENET_MEAN, IMAGENET_STD):
        return None
    return Renormalization(mean=mean, std=std)
