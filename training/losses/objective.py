"""The base supervision: every frame of every part classified and ranked (spec §1.6)."""

from typing import NamedTuple

import torch
from torch.nn import functional

from model.features import TrackletFeatures
from training.config import LossConfig
from training.losses.triplet import batch_hard_triplet


class Objective(NamedTuple):
    """The loss to minimise, and every weighted term of it by name (detached scalars)."""

    total: torch.Tensor
    terms: dict[str, torch.Tensor]


def base_objective(
    features: TrackletFeatures,
    logits: dict[str, torch.Tensor],
    identities: torch.Tensor,
    config: LossConfig,
) -> Objective:
    """L_base: mean over parts of (cross-entropy + triplet), each a mean over frames.

    Args:
        features: `frame_features` [b, t, d] per part are ranked.
        logits: [b, t, identities] per part are classified.
        identities: [b] class numbers.
        config: Weights of the terms, label smoothing, margin.
    """
    terms: dict[str, torch.Tensor] = {}
    for name, rows in features.frame_features.items():
        terms[f"{name}_identity"] = config.identity_weight * frame_cross_entropy(
            logits[name], identities, label_smoothing=config.label_smoothing
        )
        terms[f"{name}_triplet"] = config.triplet_weight * frame_triplet(
            rows, identities, margin=config.triplet_margin
        )
    total = torch.stack(list(terms.values())).sum() / len(features.frame_features)
    return Objective(total, {name: term.detach() for name, term in terms.items()})


def frame_cross_entropy(
    logits: torch.Tensor, identities: torch.Tensor, *, label_smoothing: float
) -> torch.Tensor:
    """Cross-entropy of logits [b, t, k] against identities [b], mean over b and t."""
    frames = logits.shape[1]
    return functional.cross_entropy(
        logits.flatten(0, 1).float(),
        identities.repeat_interleave(frames),
        label_smoothing=label_smoothing,
    )


def frame_triplet(
    features: torch.Tensor, identities: torch.Tensor, *, margin: float
) -> torch.Tensor:
    """Batch-hard triplet among the b frames [b, t, d] of one frame index, mean over t."""
    losses = [
        batch_hard_triplet(rows.float(), identities, margin=margin) for rows in features.unbind(1)
    ]
    return torch.stack(losses).mean()
