"""Batch-hard triplet loss: of cosine or Euclidean distances, with a margin or a soft one."""

import torch
from torch.nn import functional

from training.losses.loss_config import TripletDistance, TripletMargin


def batch_hard_triplet(
    features: torch.Tensor,
    identities: torch.Tensor,
    *,
    margin: TripletMargin,
    distance: TripletDistance = "cosine",
) -> torch.Tensor:
    """Hardest positive against hardest negative of every row (spec §1.6, §3.3).

    With z_i = max_{y_j = y_i} d_ij − min_{y_j ≠ y_i} d_ij, L = mean_i max(0, margin + z_i), or, for
    a `soft` margin, L = mean_i log(1 + exp z_i). A row is among its own positives, which is
    harmless: it is never the farthest.

    Args:
        features: [b, d], of any length.
        identities: [b] class numbers.
        margin: In units of the distance, or `soft`.
        distance: `cosine`, −cosine of two rows, or `euclidean`.

    Returns:
        Scalar; 0 when there is one identity only.
    """
    distances = _distances(features, distance)
    same = identities[:, None] == identities[None, :]
    farthest_positive = distances.masked_fill(~same, -torch.inf).amax(dim=1)
    nearest_negative = distances.masked_fill(same, torch.inf).amin(dim=1)
    excess = farthest_positive - nearest_negative
    if margin == "soft":
        # log(1 + exp z) overflows where z is large; softplus does not.
        return functional.softplus(excess).mean()
    return functional.relu(margin + excess).mean()


def _distances(rows: torch.Tensor, distance: TripletDistance) -> torch.Tensor:
    """Rows [b, d] → distances [b, b]."""
    if distance == "euclidean":
        # From differences: through products, the distance of near rows is mostly rounding.
        return torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    unit = functional.normalize(rows, dim=1)
    return -unit @ unit.T
