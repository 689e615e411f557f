"""Self-attention pooling, SAP: one learned score per token (Table VIII)."""

import torch
from torch import nn

from model.layers.content_attention import AttendedFrames


class SelfAttentionPooling(nn.Module):
    """Tokens of a frame averaged with softmax weights from one linear score each.

    Departs: the paper names SAP without defining it; this is our definition (spec §1.5).
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        # Softmax does not see a bias.
        self.score = nn.Linear(dimension, 1, bias=False)

    def forward(self, tokens: torch.Tensor) -> AttendedFrames:
        """Tokens [f, n, d] → features [f, d], map `self` [f, n]."""
        attention = self.score(tokens).squeeze(2).softmax(dim=1)
        features = torch.einsum("fn,fnd->fd", attention, tokens)
        return AttendedFrames(features, {"self": attention})
