"""The named outputs that all models share."""

from typing import NamedTuple

import torch
from torch.nn import functional


class TrackletFeatures(NamedTuple):
    """What a model says of a batch of clips: b tracklets, t frames, d columns of each part.

    Every dictionary holds the model's parts by name, in the order in which the embedding
    concatenates them. Losses choose what they supervise; servers need the embedding alone.

    Attributes:
        frame_globals: [b, t, d] per part: frame features before the BN-neck.
        frame_features: [b, t, d] per part: frame features after the BN-neck.
        parts: [b, d] per part: tracklet features after the BN-neck; what is retrieved with.
    """

    frame_globals: dict[str, torch.Tensor]
    frame_features: dict[str, torch.Tensor]
    parts: dict[str, torch.Tensor]


def embedding(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    """Parts [b, d_i] → embedding [b, Σ d_i]: each L2-normalised, concatenated, normalised again.

    Normalising the parts first keeps a wide branch from drowning a narrow one (spec §1.9).
    """
    unit = [functional.normalize(part, dim=1) for part in parts.values()]
    return functional.normalize(torch.cat(unit, dim=1), dim=1)
