"""Online instance matching, OIM: a classifier that is a memory (CVPR 2017; spec §2.3)."""

import torch
from torch import nn
from torch.nn import functional

from training.losses.occurrence import occurrence_numbers


class InstanceTable(nn.Module):
    """A row per identity, a running mean of what is seen of it; logits are scaled products.

    The table is a buffer at 0 in the beginning: no gradient reaches it, no optimiser moves it.

    Args:
        identities: K, training identities.
        dimension: Columns of a row.
        momentum: How much of a row stays when a new one comes.
        scale: Of the logits.
    """

    def __init__(self, identities: int, dimension: int, *, momentum: float, scale: float) -> None:
        super().__init__()
        self.momentum = momentum
        self.scale = scale
        self.table: torch.Tensor
        self.register_buffer("table", torch.zeros(identities, dimension))

    def forward(self, rows: torch.Tensor, identities: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy of scale · rows [n, d] · tableᵀ against identities [n]."""
        return functional.cross_entropy(self.scale * rows @ self.table.T, identities)

    @torch.no_grad()
    def remember(self, rows: torch.Tensor, identities: torch.Tensor) -> None:
        """Row by row, in order: table[y] ← normalise(momentum · table[y] + (1 − momentum) · row).

        Rows of different identities do not meet, so the first row of every identity is taken in
        at once, then the second of each, and so on.
        """
        turns = occurrence_numbers(identities)
        for turn in range(int(turns.max()) + 1):
            seen = identities[turns == turn]
            mixed = torch.lerp(rows[turns == turn], self.table[seen], self.momentum)
            # `normalize` divides by at least its epsilon: opposite rows may cancel out.
            self.table[seen] = functional.normalize(mixed, dim=1)
