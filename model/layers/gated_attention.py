"""Gated Attention, GA: the clip's feature decides what a frame keeps (spec §1.5; eq. 7-12)."""

import torch
from torch import nn


class GatedAttention(nn.Module):
    """Between two layers of HTA, for one branch.

    The aggregated clip feature is decoupled to the branch's width, u = W v. Each frame x is gated
    by how it agrees with u: g = σ(FC(BN(x ⊙ u))), and becomes g ⊙ x + (1 - g) ⊙ u.
    Departs: the batch normalisation before FC is the reference implementation's alone.
    """

    def __init__(self, dimension: int, *, clip_dimension: int) -> None:
        super().__init__()
        self.decouple = nn.Linear(clip_dimension, dimension, bias=False)
        self.norm = nn.BatchNorm1d(dimension)
        self.gate = nn.Linear(dimension, dimension)

    def forward(self, frames: torch.Tensor, clip: torch.Tensor) -> torch.Tensor:
        """Frames [b, t, d] and the clip's feature [b, d'] → frames [b, t, d]."""
        decoupled = self.decouple(clip).unsqueeze(1)
        agreement = frames * decoupled
        # Every frame is a row of the batch normalisation.
        normalized = self.norm(agreement.flatten(0, 1)).unflatten(0, frames.shape[:2])
        gate = self.gate(normalized).sigmoid()
        gated: torch.Tensor = gate * frames + (1 - gate) * decoupled
        return gated
