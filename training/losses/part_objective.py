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
from training.losses.teacher_matching import TeacherMatching
from training.losses.training_objective import Objective, TrainingObjective


class PartObjective(TrainingObjective):
    """Classification, metric losses, self-distillation and a teacher of a network's parts.

    Args:
        network: Whose parts are supervised.
        identities: How many training identities there are.
        config: Terms and their weights.
        teacher_rows: [n, e], a teacher's embedding of every training frame; for losses.teacher.

    Raises:
        ValueError: When a part is left out, or learns from a teacher, that the network does not
            make, or there is a teacher without rows.
    """

    def __init__(
        self,
        network: TrackletNetwork,
        identities: int,
        config: LossConfig,
        *,
        teacher_rows: torch.Tensor | None = None,
    ) -> None:
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

        self.teacher = _teacher(network, config, teacher_rows)

    def forward(
        self,
        features: TrackletFeatures,
        identities: torch.Tensor,
        frame_numbers: torch.Tensor | None = None,
    ) -> Objective:
        """Heads in the precision around them, losses in single precision.

        Raises:
            ValueError: When a teacher is learned from and nobody says which frames these are.
        """
        outputs = self.heads(features)
        with torch.autocast(identities.device.type, enabled=False):
            objective = tracklet_objective(
                features, outputs, identities, self.config, centres=self._centres()
            )
            if self.teacher is None:
                return objective
            if frame_numbers is None:
                raise ValueError(
                    "expected the numbers of the clips' frames, whose rows a teacher has, "
                    "received none; take clips from a ClipLoader"
                )
            taught = self.teacher(features, frame_numbers)
            total = objective.total + torch.stack(list(taught.values())).sum()
        terms = {name: term.detach() for name, term in taught.items()}
        return Objective(total, {**objective.terms, **terms})

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


def _teacher(
    network: TrackletNetwork, config: LossConfig, rows: torch.Tensor | None
) -> TeacherMatching | None:
    if config.teacher is None:
        return None
    if rows is None:
        raise ValueError(
            "expected the rows of losses.teacher, received none; read them with TeacherEmbeddings"
        )
    dimensions = network.part_dimensions
    parts = config.teacher.parts or network.embedding_parts
    if unknown := sorted(set(parts) - dimensions.keys()):
        raise ValueError(
            f"expected losses.teacher.parts among {list(dimensions)}, received {unknown}; "
            "correct the names"
        )
    return TeacherMatching({name: dimensions[name] for name in parts}, rows, config.teacher)


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
