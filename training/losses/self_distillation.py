"""Self-distillation: the clip teaches its own frames (spec §1.6; the paper's eq. 13-17).

The teacher is the aggregated clip feature, and no gradient reaches it from here; the students are
the backbones' features of every frame. Either loss is a mean over frames, so that it does not
depend on the batch or on the clip's length.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch.nn import functional


def logistic_distillation(
    teacher: torch.Tensor, students: Mapping[str, torch.Tensor], *, temperature: float
) -> torch.Tensor:
    """L_LD: Σ over parts of the mean over frames of KL(teacher ‖ student) (eq. 13-16).

    Departs: nothing is multiplied by the squared temperature; the reference does not either.

    Args:
        teacher: Clip logits [b, k].
        students: Frame logits [b, t, k] per part.
        temperature: Both logits are divided by it.
    """
    target = (teacher.detach().float() / temperature).log_softmax(dim=1).unsqueeze(1)
    losses = []
    for logits in students.values():
        predicted = (logits.float() / temperature).log_softmax(dim=2)
        divergence = functional.kl_div(
            predicted, target.expand_as(predicted), reduction="none", log_target=True
        )
        losses.append(divergence.sum(dim=2).mean())
    return torch.stack(losses).sum()


def feature_distillation(
    teacher: torch.Tensor,
    hints: Mapping[str, torch.Tensor],
    *,
    distance: Literal["norm", "mse"],
) -> torch.Tensor:
    """L_FD: Σ over parts of the mean over frames of ‖hint - teacher‖ (eq. 17).

    Departs: a mean of norms, one per frame, where the reference takes the norm of the whole
    tensor, which grows with the batch.

    Args:
        teacher: Clip feature before its neck, [b, D].
        hints: Projected frame features [b, t, D] per part.
        distance: `norm`, not squared, or `mse`, the mean square over columns.
    """
    target = teacher.detach().float().unsqueeze(1)
    losses = []
    for projected in hints.values():
        difference = projected.float() - target
        if distance == "norm":
            losses.append(difference.norm(dim=2).mean())
        else:
            losses.append(difference.square().mean())
    return torch.stack(losses).sum()
