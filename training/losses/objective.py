"""What a step minimises: base, final and self-distillation terms, each by its name (spec §1.6)."""

import torch
from torch.nn import functional

from model.features import TrackletFeatures
from training.heads import HeadOutputs
from training.losses.loss_config import LossConfig
from training.losses.self_distillation import feature_distillation, logistic_distillation
from training.losses.training_objective import Objective
from training.losses.triplet import batch_hard_triplet

TEACHER = "final"


def tracklet_objective(
    features: TrackletFeatures,
    outputs: HeadOutputs,
    identities: torch.Tensor,
    config: LossConfig,
) -> Objective:
    """L = L_base + L_final + λ·L_LD + λ·L_FD (eq. 18).

    L_base is the mean over frame-level parts, L_final over the other parts, of (cross-entropy +
    triplet); what a frame-level part scores is a mean over frames. A part without a classifier is
    not supervised.

    Args:
        features: Of a batch of b clips.
        outputs: Logits of the supervised parts, hints of the distilled ones.
        identities: [b] class numbers.
        config: Weights of the terms, label smoothing, margin, distillation.
    """
    rows = features.supervised_rows()
    terms: dict[str, torch.Tensor] = {}
    groups: dict[bool, list[torch.Tensor]] = {}
    for name, part_logits in outputs.logits.items():
        supervised = _supervise(rows[name], part_logits, identities, config)
        terms.update({f"{name}_{term}": value for term, value in supervised.items()})
        group = groups.setdefault(name in features.frame_features, [])
        group.append(torch.stack(list(supervised.values())).sum())
    total = torch.stack([torch.stack(losses).mean() for losses in groups.values()]).sum()
    distilled = _distill(features, outputs, config)
    for value in distilled.values():
        total = total + value
    terms.update(distilled)
    return Objective(total, {name: term.detach() for name, term in terms.items()})


def _supervise(
    rows: torch.Tensor, logits: torch.Tensor, identities: torch.Tensor, config: LossConfig
) -> dict[str, torch.Tensor]:
    """Weighted cross-entropy and triplet of one part; frames [b, t, d] or tracklets [b, d]."""
    if rows.ndim == 2:
        rows, logits = rows.unsqueeze(1), logits.unsqueeze(1)
    return {
        "identity": config.identity_weight
        * frame_cross_entropy(logits, identities, label_smoothing=config.label_smoothing),
        "triplet": config.triplet_weight
        * frame_triplet(rows, identities, margin=config.triplet_margin),
    }


def _distill(
    features: TrackletFeatures, outputs: HeadOutputs, config: LossConfig
) -> dict[str, torch.Tensor]:
    """The weighted self-distillation terms that the configuration asks for."""
    terms: dict[str, torch.Tensor] = {}
    distillation = config.distillation
    if distillation is None:
        return terms
    if distillation.logistic_weight > 0:
        students = {name: outputs.logits[name] for name in features.frame_features}
        terms["logistic_distillation"] = distillation.logistic_weight * logistic_distillation(
            outputs.logits[TEACHER], students, temperature=distillation.temperature
        )
    if distillation.feature_weight > 0:
        terms["feature_distillation"] = distillation.feature_weight * feature_distillation(
            features.tracklet_globals[TEACHER],
            outputs.hints,
            distance=distillation.distance,
        )
    return terms


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
