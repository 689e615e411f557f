"""Batch-hard triplet loss on cosine distance."""

import torch
from torch.nn import functional


def batch_hard_triplet(
    features: torch.Tensor, identities: torch.Tensor, *, margin: float
) -> torch.Tensor:
    """Hardest positive against hardest negative of every row (spec §1.6).

    L = mean_i max(0, margin + max_{y_j = y_i} d_ij − min_{y_j ≠ y_i} d_ij), d = −cosine. A row is
    among its own positives, which is harmless: it is never the farthest.

    Args:
        features: [b, d], of any length.
        identities: [b] class numbers.
        margin: In units of cosine.

    Returns:
        Scalar; 0 when there is one identity only.
    """
    unit = functional.normalize(features, dim=1)
    distance = -unit @ unit.T
    same = identities[:, None] == identities[None, :]
    farthest_positive = distance.masked_fill(~same, -torch.inf).amax(dim=1)
    nearest_negative = distance.masked_fill(same, torch.inf).amin(dim=1)
    hinge = functional.relu(margin + farthest_positive - nearest_negative)
    return hinge.mean()
