"""The named outputs that all models share."""

from typing import NamedTuple

import torch
from torch.nn import functional


class TrackletFeatures(NamedTuple):
    """What a model says of a batch of clips: b tracklets, t frames, d columns of each part.

    Every dictionary holds the model's parts by name. Losses choose what they supervise: a part
    with frame features is a frame-level one, any other of `parts` is a tracklet-level one.

    Attributes:
        frame_globals: [b, t, d] per frame-level part: frame features before the BN-neck.
        frame_features: [b, t, d] per frame-level part: frame features after the BN-neck.
        tracklet_globals: [b, d] per part: tracklet features before the BN-neck.
        parts: [b, d] per part: tracklet features after the BN-neck; what is retrieved with.
        attention_maps: [b, t, h, w] per attention head: weights over h·w that sum to one (DCCT), or
            a weight in (0, 1) of every position (GRL); empty without spatial attention.
    """

    frame_globals: dict[str, torch.Tensor]
    frame_features: dict[str, torch.Tensor]
    tracklet_globals: dict[str, torch.Tensor]
    parts: dict[str, torch.Tensor]
    attention_maps: dict[str, torch.Tensor]

    def supervised_rows(self) -> dict[str, torch.Tensor]:
        """What is classified and ranked: [b, t, d] of frame-level parts, [b, d] of the others."""
        return {**self.parts, **self.frame_features}

    def global_rows(self) -> dict[str, torch.Tensor]:
        """The same parts before the BN-neck: [b, t, d] of frame-level ones, [b, d] of others."""
        return {**self.tracklet_globals, **self.frame_globals}


def embedding(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    """Parts [b, d_i] → embedding [b, Σ d_i]: each L2-normalised, concatenated, normalised again.

    Normalising the parts first keeps a wide branch from drowning a narrow one (spec §1.9).
    """
    unit = [functional.normalize(part, dim=1) for part in parts.values()]
    return functional.normalize(torch.cat(unit, dim=1), dim=1)
