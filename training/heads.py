"""Heads that only training has: identity classifiers and hint projections, never exported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import nn

from model.features import TrackletFeatures


@dataclass(frozen=True)
class HintShape:
    """What hint projections connect.

    Attributes:
        kind: `bottleneck` (a quarter of the width between), as in the paper, or one `linear` layer,
            as in its reference implementation.
        student_dimensions: Columns of each student part.
        teacher_dimension: Columns of the teacher's clip feature.
    """

    kind: Literal["bottleneck", "linear"]
    student_dimensions: Mapping[str, int]
    teacher_dimension: int


class HeadOutputs(NamedTuple):
    """What the heads make of a batch.

    Attributes:
        logits: [b, t, identities] per frame-level part, [b, identities] per other part.
        hints: [b, t, D] per distilled part, D the teacher's columns.
    """

    logits: dict[str, torch.Tensor]
    hints: dict[str, torch.Tensor]


class TrainingHeads(nn.Module):
    """A bias-free classifier per supervised part, and a hint projection per distilled part.

    Classifiers start at N(0, 0.001) (spec §1.3). Hints bring a frame feature to the teacher's width
    (spec §1.6, eq. 17).

    Args:
        part_dimensions: Columns of each part that is classified.
        identities: How many training identities there are.
        hints: Columns of each part that is projected, and of the teacher; none without feature
            distillation.
    """

    def __init__(
        self,
        part_dimensions: Mapping[str, int],
        identities: int,
        *,
        hints: HintShape | None = None,
    ) -> None:
        super().__init__()
        self.classifiers = nn.ModuleDict(
            {
                name: nn.Linear(dimension, identities, bias=False)
                for name, dimension in part_dimensions.items()
            }
        )
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.001)
        self.hints = nn.ModuleDict(
            {}
            if hints is None
            else {
                name: _hint(hints.kind, dimension, hints.teacher_dimension)
                for name, dimension in hints.student_dimensions.items()
            }
        )

    def forward(self, features: TrackletFeatures) -> HeadOutputs:
        """Logits of every part that has a classifier, hints of every part that is projected."""
        rows = features.supervised_rows()
        return HeadOutputs(
            logits={name: head(rows[name]) for name, head in self.classifiers.items()},
            hints={
                name: _by_frames(hint, features.frame_globals[name])
                for name, hint in self.hints.items()
            },
        )


def _by_frames(hint: nn.Module, frames: torch.Tensor) -> torch.Tensor:
    """Frames [b, t, d] → [b, t, D]; every frame is a row of the batch normalisation."""
    projected: torch.Tensor = hint(frames.flatten(0, 1))
    return projected.reshape(*frames.shape[:2], -1)


def _hint(kind: str, dimension: int, teacher_dimension: int) -> nn.Module:
    if kind == "linear":
        return nn.Linear(dimension, teacher_dimension)
    narrow = dimension // 4
    return nn.Sequential(
        nn.Linear(dimension, narrow),
        nn.BatchNorm1d(narrow),
        nn.ReLU(),
        nn.Linear(narrow, teacher_dimension),
    )
