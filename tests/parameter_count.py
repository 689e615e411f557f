"""Two ways of counting parameters: all that learn, and what the paper's profiler saw."""

from torch import nn

# Of all others (LayerNorm, class tokens, positions) the paper's profiler knew nothing.
PROFILED = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d)


def all_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def profiled_parameters(module: nn.Module) -> int:
    return sum(all_parameters(layer) for layer in module.modules() if isinstance(layer, PROFILED))
