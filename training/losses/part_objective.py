"""The objective of DCCT, and of every other model whose parts are classified (spec §1.6, §3.3)."""

import torch
from torch import nn

from model.dcct import DCCT
from model.features import TrackletFeatures
from model.tracklet_network import TrackletNetwork
from training.heads import HintShape, TrainingHeads
from training.losses.centre import ClassCentres
from training.losses.loss_config import LossConfig
from training.losses.objective import TEACHER, tracklet_objective
from training.losses.training_objective import Objective, TrainingObjective


class PartObjective(TrainingObjective):
    """Classification, metric losses and self-distillation of a network's parts.

    Args:
        network: Whose parts are supervised.
        identities: How many training identities there are.
        config: Terms and their weights.

    Raises:
        ValueError: When a part is left out that the network does not make.
    """

    def __init__(self, network: TrackletNetwork, identities: int, config: LossConfig) -> None:
        super().__init__()
        self.config = config
        dimensions = _supervised_dimensions(network, config)
        self.heads = TrainingHeads(dimensions, identities, hints=_hint_shape(network, config))
        centre = config.centre
        self.centres = nn.ModuleDict(
            {}
            if centre is None
            else {
                name: ClassCentres(identities, columns, rate=centre.rate)
                for name, columns in dimensions.items()
            }
        )

    def forward(self, features: TrackletFeatures, identities: torch.Tensor) -> Objective:
        """Heads in the precision around them, losses in single precision."""
        outputs = self.heads(features)
        with torch.autocast(identities.device.type, enabled=False):
            return tracklet_objective(
                features, outputs, identities, self.config, centres=self._centres()
            )

    def remember(self, features: TrackletFeatures, identities: torch.Tensor) -> None:
        """Move the class centres."""
        rows = features.global_rows()
        for name, centres in self._centres().items():
            frames = rows[name].reshape(len(identities), -1, rows[name].shape[-1])
            repeated = identities.repeat_interleave(frames.shape[1])
            centres.remember(frames.flatten(0, 1).float(), repeated)

    def _centres(self) -> dict[str, ClassCentres]:
        return {name: c for name, c in self.centres.items() if isinstance(c, ClassCentres)}


def _supervised_dimensions(network: TrackletNetwork, config: LossConfig) -> dict[str, int]:
    dimensions = network.part_dimensions
    left_out = set(config.unsupervised_parts)
    if left_out - dimensions.keys() or not dimensions.keys() - left_out:
        raise ValueError(
            f"expected losses.unsupervised_parts among {list(dimensions)}, and not all of them, "
            f"received {list(config.unsupervised_parts)}; correct the names"
        )
    return {name: columns for name, columns in dimensions.items() if name not in left_out}


def _hint_shape(network: TrackletNetwork, config: LossConfig) -> HintShape | None:
    distillation = config.distillation
    if distillation is None or distillation.feature_weight == 0 or not isinstance(network, DCCT):
        return None
    dimensions = network.part_dimensions
    return HintShape(
        kind=distillation.hint,
        student_dimensions={name: dimensions[name] for name in network.config.branches},
        teacher_dimension=dimensions[TEACHER],
    )
