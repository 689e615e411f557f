"""Global-guided Correlation Estimation, GCE (GRL; spec §2.1)."""

from typing import NamedTuple

import torch
from torch import nn


class CorrelatedMaps(NamedTuple):
    """A clip's maps split by how much each position agrees with the whole clip.

    Attributes:
        high: [b, t, c, h, w], R ⊙ X.
        low: [b, t, c, h, w], (1 - R) ⊙ X; `high + low` is X.
        correlation: [b, t, h, w], R in (0, 1).
    """

    high: torch.Tensor
    low: torch.Tensor
    correlation: torch.Tensor


class CorrelationEstimation(nn.Module):
    """Maps X of a clip → R, the correlation of every position with the clip's global feature.

    The clip's mean is squeezed to c/2 columns e; R = σ(BN ∘ 1×1 → 1 ∘ ReLU ∘ BN ∘ 1×1 → c/8 ∘ BN ∘
    1×1 → c/2)([X ; e]), the convolutions without bias. After the first BN there is no ReLU, as in
    the reference implementation.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        hidden, narrow = dimension // 2, dimension // 8
        self.summarize = nn.Sequential(
            nn.Linear(dimension, hidden), nn.BatchNorm1d(hidden), nn.ReLU()
        )
        self.correlate = nn.Sequential(
            nn.Conv2d(dimension + hidden, hidden, kernel_size=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.Conv2d(hidden, narrow, kernel_size=1, bias=False),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            nn.Conv2d(narrow, 1, kernel_size=1, bias=False),
            nn.BatchNorm2d(1),
        )

    def forward(self, maps: torch.Tensor) -> CorrelatedMaps:
        """Maps [b, t, c, h, w] → high and low maps of that shape, correlation [b, t, h, w]."""
        tracklets, frames, _, rows, columns = maps.shape
        summary = self.summarize(maps.mean(dim=(1, 3, 4)))  # [b, c/2]
        tiled = summary[:, None, :, None, None].expand(-1, frames, -1, rows, columns)
        joined = torch.cat([maps, tiled], dim=2).flatten(0, 1)  # [b·t, c + c/2, h, w]
        correlation = self.correlate(joined).sigmoid().unflatten(0, (tracklets, frames))
        return CorrelatedMaps(
            high=correlation * maps,
            low=(1 - correlation) * maps,
            correlation=correlation.squeeze(2),
        )
