"""What another model teaches: its embeddings of the frames, and which tracklets it finds alike.

The teacher is a table of rows of frames, computed once; no gradient reaches it. A mirrored, cropped
or recoloured frame keeps the row of the frame as it is on disk: to see the same person in it is
what is learned.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional

from model.features import TrackletFeatures, embedding
from training.losses.loss_config import TeacherConfig


class TeacherMatching(nn.Module):
    """Regression of a teacher's rows through a linear layer, and of its similarities directly.

    Args:
        dimensions: Columns of the parts that learn it, coupled as an embedding is.
        rows: [n, e], the teacher's embedding of every frame of the data, L2-normalised.
        config: Weights of the two terms.
    """

    def __init__(
        self, dimensions: Mapping[str, int], rows: torch.Tensor, config: TeacherConfig
    ) -> None:
        super().__init__()
        self.config = config
        self.parts = tuple(dimensions)
        self.rows: torch.Tensor
        # Not saved with the run: it is a file of its own, which the configuration names.
        self.register_buffer("rows", rows, persistent=False)
        self.projection = nn.Linear(sum(dimensions.values()), rows.shape[1], bias=False)

    def forward(
        self, features: TrackletFeatures, frame_numbers: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The weighted terms, by name.

        Args:
            features: Of b clips.
            frame_numbers: [b, t], the row of each clip's frames.
        """
        config = self.config
        taught = self.rows[frame_numbers].float()
        terms = {}
        if config.regression_weight > 0:
            learned, target = _by_frames(features, self.parts, taught)
            projected = self.projection(learned.to(self.projection.weight.dtype)).float()
            terms["teacher_regression"] = config.regression_weight * regression(projected, target)
        if config.similarity_weight > 0:
            learned = embedding({name: features.parts[name].float() for name in self.parts})
            terms["teacher_similarity"] = config.similarity_weight * similarity_difference(
                learned, functional.normalize(taught.mean(dim=1), dim=1)
            )
        return terms


def regression(projected: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """1 − cosine of rows [..., e] with rows that are not learned, mean over all."""
    return 1 - functional.cosine_similarity(projected, target.detach(), dim=-1).mean()


def similarity_difference(learned: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """Mean square of the difference of cosines of all pairs of two different rows.

    Args:
        learned: [b, d], L2-normalised.
        taught: [b, e], L2-normalised; not learned.
    """
    difference = learned @ learned.T - (taught @ taught.T).detach()
    others = ~torch.eye(len(learned), dtype=torch.bool, device=learned.device)
    return difference[others].square().mean()


def _by_frames(
    features: TrackletFeatures, parts: Sequence[str], taught: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Coupled rows and their targets: of frames where every part has frames, else of clips."""
    if not all(name in features.frame_features for name in parts):
        learned = embedding({name: features.parts[name].float() for name in parts})
        return learned, functional.normalize(taught.mean(dim=1), dim=1)
    frames = {name: features.frame_features[name].float().flatten(0, 1) for name in parts}
    return embedding(frames), taught.flatten(0, 1)
