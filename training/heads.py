"""Classifier heads: training only, never exported."""

import torch
from torch import nn


class IdentityHeads(nn.Module):
    """One bias-free linear classifier per part, N(0, 0.001) at the start (spec §1.3)."""

    def __init__(self, part_dimensions: dict[str, int], identities: int) -> None:
        super().__init__()
        self.classifiers = nn.ModuleDict(
            {
                name: nn.Linear(dimension, identities, bias=False)
                for name, dimension in part_dimensions.items()
            }
        )
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.001)

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Features [..., d] per part → logits [..., identities] per part."""
        return {name: self.classifiers[name](rows) for name, rows in features.items()}
