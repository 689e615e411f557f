"""What the trainer knows of an objective: a module from a batch's features to named losses."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import nn

from model.features import TrackletFeatures


class Objective(NamedTuple):
    """What a step minimises.

    Attributes:
        total: The loss, a scalar.
        terms: Every weighted term of it by name, detached scalars. The weights are those of the
            configuration, which lies beside the log of a run; a term over its weight is the plain
            loss.
    """

    total: torch.Tensor
    terms: dict[str, torch.Tensor]


class TrainingObjective(nn.Module, ABC):
    """Heads that only training has, and the losses over them; never exported.

    Features are those of the whole batch: `gather_batch` first where there are several processes,
    `join_features` where there are several micro-batches.
    """

    @abstractmethod
    def forward(
        self,
        features: TrackletFeatures,
        identities: torch.Tensor,
        frame_numbers: torch.Tensor | None = None,
    ) -> Objective:
        """The objective of b clips.

        Args:
            features: Of the clips.
            identities: [b] class numbers.
            frame_numbers: [b, t], which frames of the data set they show; for a teacher.
        """

    def remember(self, features: TrackletFeatures, identities: torch.Tensor) -> None:
        """Move what is learned without a gradient; call once a step, after the optimiser's.

        Nothing by default. What is remembered (class centres, tables of identities) is part of
        `state_dict`.
        """
