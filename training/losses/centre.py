"""Centre loss: rows near the centre of their identity."""

import torch
from torch import nn


class ClassCentres(nn.Module):
    """One centre per identity, moved towards what is seen of it (Wen et al., ECCV 2016).

    Centres are a buffer at 0 in the beginning; no optimiser and no weight decay touches them.

    Args:
        identities: K, training identities.
        dimension: Columns of a row.
        rate: α, how far a centre goes at every step.
    """

    def __init__(self, identities: int, dimension: int, *, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.centres: torch.Tensor
        self.register_buffer("centres", torch.zeros(identities, dimension))

    def forward(self, rows: torch.Tensor, identities: torch.Tensor) -> torch.Tensor:
        """½ mean_i ‖x_i − c_{y_i}‖² of rows [n, d] with identities [n] (eq. 2, as a mean)."""
        return 0.5 * (rows - self.centres[identities]).square().sum(dim=1).mean()

    @torch.no_grad()
    def remember(self, rows: torch.Tensor, identities: torch.Tensor) -> None:
        """c_j ← c_j − α Σ_{y_i = j} (c_j − x_i) / (1 + n_j), n_j the rows of j (eq. 4)."""
        difference = self.centres[identities] - rows
        total = torch.zeros_like(self.centres).index_add_(0, identities, difference)
        count = torch.bincount(identities, minlength=len(self.centres)).unsqueeze(1)
        self.centres -= self.rate * total / (1 + count)
