"""Optimiser and learning-rate schedule."""

import math

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from model.tracklet_network import TrackletNetwork
from training.layer_rates import layer_scales
from training.optim_config import OptimizerConfig

_UNSCALED_COLUMNS = 192


def build_optimizer(
    network: TrackletNetwork, heads: nn.Module, config: OptimizerConfig
) -> Optimizer:
    """SGD with Nesterov momentum 0.9, Adam or AdamW; new layers learn faster (spec §1.7).

    SGD and Adam decay all parameters alike, biases too, as the reference implementations do.

    Under AdamW biases and norms are not decayed, and the rate of a classifier over d columns is
    scaled by 192/d where d is larger: a step moves every weight by about the rate whatever its
    gradient, so without that the logits over 1,280 columns jump by more than the loss can follow,
    and the CNN does not learn.
    """
    rate, new_rate = config.learning_rate, config.learning_rate * config.new_layer_factor
    old, new = _by_novelty(network)
    scales = {} if config.layer_decay is None else layer_scales(network, config.layer_decay)
    if config.name != "adamw":
        decay = config.weight_decay
        groups = [
            *_layer_groups(old, rate, decay, scales),
            _group([*new, *heads.parameters()], new_rate, decay),
        ]
        if config.name == "adam":
            return Adam(groups)
        return SGD(groups, momentum=0.9, nesterov=True)
    groups = [
        *_layer_groups([p for p in old if p.ndim > 1], rate, config.weight_decay, scales),
        *_layer_groups([p for p in old if p.ndim <= 1], rate, 0.0, scales),
        _group([p for p in new if p.ndim > 1], new_rate, config.weight_decay),
        _group([p for p in new if p.ndim <= 1], new_rate, 0.0),
        *(_head_group(p, new_rate, config.weight_decay) for p in heads.parameters()),
    ]
    return AdamW([group for group in groups if group["params"]])


def build_schedule(
    optimizer: Optimizer, config: OptimizerConfig, *, steps_per_epoch: int
) -> LambdaLR:
    """Linear warm-up, then steps of ×`step_factor` or a cosine to zero; counted in steps."""
    total = config.epochs * steps_per_epoch

    def factor(step: int) -> float:
        if step < config.warmup_steps:
            risen = (step + 1) / config.warmup_steps
            return config.warmup_start + (1 - config.warmup_start) * risen
        if config.schedule == "cosine":
            progress = (step - config.warmup_steps) / max(total - config.warmup_steps, 1)
            return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        passed: int = step // (config.step_epochs * steps_per_epoch)
        return config.step_factor**passed

    return LambdaLR(optimizer, factor)


def _by_novelty(network: TrackletNetwork) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Learnable parameters of the backbones, and of every other layer."""
    old: list[nn.Parameter] = []
    new: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            backbone = name.split(".", 1)[0] in network.backbone_modules
            (old if backbone else new).append(parameter)
    return old, new


def _layer_groups(
    parameters: list[nn.Parameter], rate: float, decay: float, scales: dict[nn.Parameter, float]
) -> "list[_Group]":
    """One group, or one per depth where layers learn at rates of their own; slowest first."""
    by_scale: dict[float, list[nn.Parameter]] = {}
    for parameter in parameters:
        by_scale.setdefault(scales.get(parameter, 1.0), []).append(parameter)
    if not by_scale:
        return [_group([], rate, decay)]
    return [_group(by_scale[scale], rate * scale, decay) for scale in sorted(by_scale)]


def _head_group(weight: nn.Parameter, rate: float, decay: float) -> "_Group":
    if weight.ndim <= 1:
        return _group([weight], rate, 0.0)
    return _group([weight], rate * min(1.0, _UNSCALED_COLUMNS / weight.shape[1]), decay)


class _Group(dict[str, list[nn.Parameter] | float]):
    """A parameter group as torch takes it."""


def _group(parameters: list[nn.Parameter], rate: float, decay: float) -> _Group:
    return _Group(params=parameters, lr=rate, weight_decay=decay)


def clip_gradients(parameters: list[nn.Parameter], limit: float | None) -> float:
    """Scale gradients so that their joint norm is at most `limit`; returns the norm before."""
    return float(torch.nn.utils.clip_grad_norm_(parameters, limit or math.inf))
