"""Configuration and network → the objective that a run minimises."""

import torch

from model.tracklet_network import TrackletNetwork
from training.losses.grl_objective import GrlObjective
from training.losses.loss_config import LossConfig
from training.losses.part_objective import PartObjective
from training.losses.training_objective import TrainingObjective


def build_objective(
    network: TrackletNetwork,
    identities: int,
    config: LossConfig,
    *,
    teacher_rows: torch.Tensor | None = None,
) -> TrainingObjective:
    """The heads and losses that `config` asks for, over so many training identities.

    Args:
        network: Whose parts are supervised.
        identities: How many there are to tell apart.
        config: Terms and their weights.
        teacher_rows: [n, e], a teacher's embedding of every training frame; for losses.teacher.

    Raises:
        ValueError: When a part is left out, or learns from a teacher, that the network does not
            make.
    """
    if config.grl is not None:
        return GrlObjective(network.part_dimensions, identities, config.grl)
    return PartObjective(network, identities, config, teacher_rows=teacher_rows)
