"""Pair verification (GRL; spec §2.3): are two tracklets of one identity?"""

import torch
from torch import nn
from torch.nn import functional

from training.losses.occurrence import occurrence_numbers


class PairVerification(nn.Module):
    """Squared differences of two rows → batch normalisation → linear layer → different or same.

    Of every identity in the batch, the first row is a probe and the second one of the gallery, and
    so on in turn; every probe is compared with every row of the gallery. A batch of 8 identities
    with two tracklets each makes 64 pairs, 8 of them the same.
    The classifier starts as those of `TrainingHeads` do.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(dimension)
        self.classifier = nn.Linear(dimension, 2)
        nn.init.normal_(self.classifier.weight, std=0.001)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, rows: torch.Tensor, identities: torch.Tensor) -> torch.Tensor:
        """Mean binary cross-entropy over all pairs of rows [n, d] with identities [n].

        P(same) is the second column of the softmax, so that its binary cross-entropy is the
        cross-entropy of the two logits.

        Raises:
            ValueError: When no identity has two rows.
        """
        gallery = occurrence_numbers(identities) % 2 == 1
        if not gallery.any():
            raise ValueError(
                "expected two tracklets of an identity in the batch for pair verification, "
                "received one of each; set clips.tracklets to 2"
            )
        difference = rows[~gallery].unsqueeze(1) - rows[gallery].unsqueeze(0)
        logits = self.classifier(self.norm(difference.square().flatten(0, 1)))
        same = identities[~gallery].unsqueeze(1) == identities[gallery].unsqueeze(0)
        return functional.cross_entropy(logits, same.flatten().long())
