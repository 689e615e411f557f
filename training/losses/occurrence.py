"""Which rows of a batch show an identity for the first time, for the second, and so on."""

import torch


def occurrence_numbers(identities: torch.Tensor) -> torch.Tensor:
    """[n] class numbers → [n], how many rows before have the same one: [4, 7, 4] → [0, 0, 1]."""
    same = identities[:, None] == identities[None, :]
    return same.tril(diagonal=-1).sum(dim=1)
