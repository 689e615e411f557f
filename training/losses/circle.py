"""Circle loss on the cosines of a batch."""

import torch


def circle_loss(
    features: torch.Tensor, identities: torch.Tensor, *, margin: float, scale: float
) -> torch.Tensor:
    """Every pair weighted by how far its cosine is from its optimum (CVPR 2020, eq. 6).

    With cosines s_p to rows of the same identity and s_n to others, α_p = [1 + m − s_p]₊ and
    α_n = [s_n + m]₊ that take no gradient, the loss of a row is

        log(1 + Σ_n exp(γ α_n (s_n − m)) · Σ_p exp(−γ α_p (s_p − (1 − m))))

    `CircleLoss` of pytorch-metric-learning, in place of an implementation of our own. Unlike the
    default there, the mean is over all rows, also over those that cost nothing.

    Args:
        features: [b, d], of any length.
        identities: [b] class numbers.
        margin: m, the relaxation.
        scale: γ.

    Returns:
        Scalar; a row without a positive or without a negative costs nothing.
    """
    # Loads scikit-learn and much else, which takes seconds: not for runs without this loss.
    from pytorch_metric_learning.losses import CircleLoss  # noqa: PLC0415
    from pytorch_metric_learning.reducers import MeanReducer  # noqa: PLC0415

    loss: torch.Tensor = CircleLoss(m=margin, gamma=scale, reducer=MeanReducer())(
        features, identities
    )
    return loss
