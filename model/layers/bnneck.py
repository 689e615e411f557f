"""The BN-neck: batch normalisation between the metric loss and the classifier."""

import torch
from torch import nn


class BNNeck(nn.Module):
    """BatchNorm1d over d columns with its bias frozen at 0 (spec §1.3).

    Takes [b, d] or [b, t, d] and returns the same shape; every frame counts as a row.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(dimension)
        self.norm.bias.requires_grad = False

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Normalise rows; [..., d] → [..., d]."""
        rows: torch.Tensor = self.norm(features.reshape(-1, features.shape[-1]))
        return rows.reshape(features.shape)
