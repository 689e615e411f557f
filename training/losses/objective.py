"""The terms of an objective over parts: base, final, self-distillation (spec §1.6)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch.nn import functional

from model.features import TrackletFeatures
from training.heads import HeadOutputs
from training.losses.centre import ClassCentres
from training.losses.circle import circle_loss
from training.losses.loss_config import LossConfig
from training.losses.self_distillation import feature_distillation, logistic_distillation
from training.losses.training_objective import Objective
from training.losses.triplet import batch_hard_triplet

TEACHER = "final"


class PartRows(NamedTuple):
    """One part of b clips as t frames, t = 1 for a part of the clip.

    Attributes:
        features: [b, t, d] after the BN-neck.
        globals: [b, t, d] before it.
        logits: [b, t, k].
    """

    features: torch.Tensor
    globals: torch.Tensor
    logits: torch.Tensor


def tracklet_objective(
    features: TrackletFeatures,
    outputs: HeadOutputs,
    identities: torch.Tensor,
    config: LossConfig,
    *,
    centres: Mapping[str, ClassCentres],
) -> Objective:
    """L = L_base + L_final + λ·L_LD + λ·L_FD (eq. 18).

    L_base is the mean over frame-level parts, L_final over the other parts, of the sum of what
    supervises a part: cross-entropy, triplet, and circle and centre loss if any; what a frame-level
    part scores is a mean over frames. A part without a classifier is not supervised. Terms are
    named `<part>_<loss>` and are those of the part, before the mean over parts.

    Args:
        features: Of a batch of b clips.
        outputs: Logits of the supervised parts, hints of the distilled ones.
        identities: [b] class numbers.
        config: Weights and parameters of the terms.
        centres: Of every supervised part for the centre loss; none without it.
    """
    terms: dict[str, torch.Tensor] = {}
    groups: dict[bool, list[torch.Tensor]] = {}
    for name in outputs.logits:
        supervised = _supervise(
            _part_rows(name, features, outputs), identities, config, centres.get(name)
        )
        terms.update({f"{name}_{term}": value for term, value in supervised.items()})
        group = groups.setdefault(name in features.frame_features, [])
        group.append(torch.stack(list(supervised.values())).sum())
    total = torch.stack([torch.stack(losses).mean() for losses in groups.values()]).sum()
    distilled = _distill(features, outputs, config)
    for value in distilled.values():
        total = total + value
    terms.update(distilled)
    return Objective(total, {name: term.detach() for name, term in terms.items()})


def _part_rows(name: str, features: TrackletFeatures, outputs: HeadOutputs) -> PartRows:
    rows = PartRows(
        features.supervised_rows()[name].float(),
        features.global_rows()[name].float(),
        outputs.logits[name].float(),
    )
    if name in features.frame_features:
        return rows
    return PartRows(*(tensor.unsqueeze(1) for tensor in rows))


def _supervise(
    part: PartRows, identities: torch.Tensor, config: LossConfig, centres: ClassCentres | None
) -> dict[str, torch.Tensor]:
    """The weighted terms of one part."""
    cross_entropy = frame_cross_entropy(
        part.logits, identities, label_smoothing=config.label_smoothing
    )
    terms = {"identity": config.identity_weight * cross_entropy}
    if (triplet := config.triplet) is not None:
        rows = part.globals if triplet.before_neck else part.features
        terms["triplet"] = triplet.weight * mean_over_frames(
            rows,
            lambda frame: batch_hard_triplet(
                frame, identities, margin=triplet.margin, distance=triplet.distance
            ),
        )
    if (circle := config.circle) is not None:
        terms["circle"] = circle.weight * mean_over_frames(
            part.features,
            lambda frame: circle_loss(frame, identities, margin=circle.margin, scale=circle.scale),
        )
    if config.centre is not None and centres is not None:
        terms["centre"] = config.centre.weight * mean_over_frames(
            part.globals, lambda frame: centres(frame, identities)
        )
    return terms


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
        logits.flatten(0, 1),
        identities.repeat_interleave(frames),
        label_smoothing=label_smoothing,
    )


def mean_over_frames(
    rows: torch.Tensor, loss: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """The loss among the b frames [b, d] of one frame index, mean over the t of rows [b, t, d]."""
    return torch.stack([loss(frame) for frame in rows.unbind(1)]).mean()
