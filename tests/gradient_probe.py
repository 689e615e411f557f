"""Which parameters a loss over given outputs teaches."""

from collections.abc import Iterable

import torch
from torch import nn


def backward_through(outputs: Iterable[torch.Tensor]) -> None:
    """Gradient of a random weighting of every number; plain sums vanish behind normalisations."""
    generator = torch.Generator().manual_seed(5)
    total = torch.zeros(())
    for output in outputs:
        weights = torch.randn(output.shape, generator=generator, dtype=output.dtype)
        total = total + (output * weights).sum()
    total.backward()


def untaught_parameters(module: nn.Module, *, noise: float = 0.0) -> list[str]:
    """Names of learnable parameters with no gradient, or none above rounding noise."""
    return [
        name
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
        and (parameter.grad is None or not parameter.grad.abs().max() > noise)
    ]
