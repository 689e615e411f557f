"""Optimiser and learning-rate schedule."""

import math

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from training.config import OptimizerConfig


def build_optimizer(network: nn.Module, heads: nn.Module, config: OptimizerConfig) -> Optimizer:
    """SGD with Nesterov momentum 0.9, or AdamW; necks and heads learn faster (spec §1.7).

    Vectors and scalars (biases, norms, tokens) are not decayed under AdamW; under SGD everything
    is, as in the paper's recipe.
    """
    groups = []
    for new_layer, parameters in _by_newness(network, heads).items():
        rate = config.learning_rate * (config.new_layer_factor if new_layer else 1.0)
        if config.name == "sgd":
            groups.append(_group(parameters, rate, config.weight_decay))
            continue
        groups.append(_group([p for p in parameters if p.ndim > 1], rate, config.weight_decay))
        groups.append(_group([p for p in parameters if p.ndim <= 1], rate, 0.0))
    groups = [group for group in groups if group["params"]]
    if config.name == "sgd":
        return SGD(groups, momentum=0.9, nesterov=True)
    return AdamW(groups)


def build_schedule(
    optimizer: Optimizer, config: OptimizerConfig, *, steps_per_epoch: int
) -> LambdaLR:
    """Linear warm-up, then steps of ×`step_factor` or a cosine to zero; counted in steps."""
    total = config.epochs * steps_per_epoch

    def factor(step: int) -> float:
        if step < config.warmup_steps:
            return (step + 1) / config.warmup_steps
        if config.schedule == "cosine":
            progress = (step - config.warmup_steps) / max(total - config.warmup_steps, 1)
            return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        passed: int = step // (config.step_epochs * steps_per_epoch)
        return config.step_factor**passed

    return LambdaLR(optimizer, factor)


def _by_newness(network: nn.Module, heads: nn.Module) -> dict[bool, list[nn.Parameter]]:
    grouped: dict[bool, list[nn.Parameter]] = {False: [], True: list(heads.parameters())}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            grouped[name.startswith("necks.")].append(parameter)
    return grouped


class _Group(dict[str, list[nn.Parameter] | float]):
    """A parameter group as torch takes it."""


def _group(parameters: list[nn.Parameter], rate: float, decay: float) -> _Group:
    return _Group(params=parameters, lr=rate, weight_decay=decay)


def clip_gradients(parameters: list[nn.Parameter], limit: float | None) -> float:
    """Scale gradients so that their joint norm is at most `limit`; returns the norm before."""
    return float(torch.nn.utils.clip_grad_norm_(parameters, limit or math.inf))
