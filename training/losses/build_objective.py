"""Configuration and network → the objective that a run minimises."""

from model.tracklet_network import TrackletNetwork
from training.losses.grl_objective import GrlObjective
from training.losses.loss_config import LossConfig
from training.losses.part_objective import PartObjective
from training.losses.training_objective import TrainingObjective


def build_objective(
    network: TrackletNetwork, identities: int, config: LossConfig
) -> TrainingObjective:
    """The heads and losses that `config` asks for, over so many training identities.

    Raises:
        ValueError: When a part is left out that the network does not make.
    """
    if config.grl is not None:
        return GrlObjective(network.part_dimensions, identities, config.grl)
    return PartObjective(network, identities, config)
