"""LSTM aggregation: the recurrent baseline of HTA (Table VIII)."""

import torch
from torch import nn


class LstmAggregation(nn.Module):
    """An LSTM over the coupled frames of a clip, as wide as they are, and its mean hidden state.

    torch.compile breaks the graph here unless `torch._dynamo.config.allow_rnn` is set.
    Departs: the paper names LSTM without defining it; this is our definition (spec §1.5).
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        self.lstm = nn.LSTM(dimension, dimension, batch_first=True)

    def forward(self, *branches: torch.Tensor) -> torch.Tensor:
        """Frame features [b, t, d_i] of each branch → clip feature [b, Σ d_i]."""
        hidden, _ = self.lstm(torch.cat(branches, dim=2))
        mean: torch.Tensor = hidden.mean(dim=1)
        return mean
