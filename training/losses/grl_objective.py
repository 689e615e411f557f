"""The objective of GRL (spec §2.3)."""

from collections.abc import Mapping

import torch

from model.features import TrackletFeatures
from training.losses.instance_matching import InstanceTable
from training.losses.loss_config import GrlLossConfig
from training.losses.training_objective import Objective, TrainingObjective
from training.losses.triplet import batch_hard_triplet
from training.losses.verification import PairVerification


class GrlObjective(TrainingObjective):
    """OIM(frames of f_h) + OIM(p) + 20·BCE(pairs of p) + triplet(p) + OIM(f_l).

    There are two tables of identities: one that the frames of f_h and the pooled p share, and one
    of f_l. All rows are L2-normalised. The mean of f_h over a clip, though a part of the embedding,
    has no loss of its own.
    Departs: the reference also scores pairs of f_l and uses the scores for nothing; not built.

    Args:
        part_dimensions: Columns of a GRL's parts.
        identities: How many training identities there are.
        config: Weights of the terms, momentum and scale of the tables.
    """

    def __init__(
        self, part_dimensions: Mapping[str, int], identities: int, config: GrlLossConfig
    ) -> None:
        super().__init__()
        self.config = config
        self.high = _table(identities, part_dimensions["high"], config)
        self.low = _table(identities, part_dimensions["low"], config)
        self.verification = PairVerification(part_dimensions["pooled"])

    def forward(
        self,
        features: TrackletFeatures,
        identities: torch.Tensor,
        frame_numbers: torch.Tensor | None = None,  # noqa: ARG002  # no teacher beside GRL's terms
    ) -> Objective:
        """All of it in single precision."""
        config = self.config
        with torch.autocast(identities.device.type, enabled=False):
            frames, per_frame = _frames(features, identities)
            pooled, low = features.parts["pooled"].float(), features.parts["low"].float()
            triplet = batch_hard_triplet(pooled, identities, margin="soft", distance="euclidean")
            terms = {
                "high_identity": config.identity_weight * self.high(frames, per_frame),
                "pooled_identity": config.identity_weight * self.high(pooled, identities),
                "low_identity": config.identity_weight * self.low(low, identities),
                "pooled_verification": config.verification_weight
                * self.verification(pooled, identities),
                "pooled_triplet": config.triplet_weight * triplet,
            }
        total = torch.stack(list(terms.values())).sum()
        return Objective(total, {name: term.detach() for name, term in terms.items()})

    def remember(self, features: TrackletFeatures, identities: torch.Tensor) -> None:
        """Take the batch into the tables: frames, clip after clip, then pooled features."""
        self.high.remember(*_frames(features, identities))
        self.high.remember(features.parts["pooled"].float(), identities)
        self.low.remember(features.parts["low"].float(), identities)


def _table(identities: int, dimension: int, config: GrlLossConfig) -> InstanceTable:
    return InstanceTable(identities, dimension, momentum=config.momentum, scale=config.scale)


def _frames(
    features: TrackletFeatures, identities: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Every frame of f_h as a row [b·t, d], and whom it shows [b·t]."""
    frames = features.frame_features["high"].float()
    return frames.flatten(0, 1), identities.repeat_interleave(frames.shape[1])
