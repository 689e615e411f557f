"""Self-attention pooling over the frames of a clip (GRL; spec §2.3)."""

import torch
from torch import nn
from torch.nn import functional


class TemporalSelfAttention(nn.Module):
    """Frame features f of a clip → p = Σ_t (A f)_t, with A = softmax(Q Kᵀ) over frames.

    Q and K are projected to d/4 columns, batch-normalised and L2-normalised, so their products are
    cosines and take no scale; the values are the frame features themselves.
    Departs: the reference implementation also allocates a third projection and never applies it;
    it is not built.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        hidden = dimension // 4
        self.query = nn.Sequential(nn.Linear(dimension, hidden), nn.BatchNorm1d(hidden))
        self.key = nn.Sequential(nn.Linear(dimension, hidden), nn.BatchNorm1d(hidden))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frame features [b, t, d] → clip feature [b, d], not normalised."""
        query = _unit_rows(self.query, frames)
        key = _unit_rows(self.key, frames)
        attention = torch.einsum("bqd,bkd->bqk", query, key).softmax(dim=2)
        return torch.einsum("bqk,bkd->bd", attention, frames)


def _unit_rows(projection: nn.Sequential, frames: torch.Tensor) -> torch.Tensor:
    """Frames [b, t, d] → [b, t, hidden], each row of length one."""
    rows = projection(frames.flatten(0, 1))
    return torch.unflatten(functional.normalize(rows, dim=1), 0, frames.shape[:2])
