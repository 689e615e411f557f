"""Parameters and multiply-accumulates of a model, in the true and in the paper's convention.

Networks are built and run on the meta device, where tensors have shapes and no content, so the
largest model is counted in seconds and in no memory. Source of the paper's convention: spec §1.14.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from model.dcct_config import DCCTConfig
from model.registry import build_model
from model.tracklet_network import ModelConfig

Convention = Literal["true", "paper"]

# The name of what a network does or owns outside of its modules.
REMAINDER = "other"

_FLOPS_UNIT = {"true": 10**9, "paper": 10**10}
_PARAMS_UNIT = {"true": 10**6, "paper": 2**20}


class Cost(NamedTuple):
    """Multiply-accumulates of one clip, and parameters."""

    macs: int
    params: int


@dataclass(frozen=True)
class Complexity:
    """What one clip [1, clip_frames, 3, height, width] costs a model in evaluation mode.

    `true`: multiply-accumulates of convolutions, linear layers and matrix products, attention
    included; every parameter; decimal units. FLOPs as others count them are twice as many.
    `paper`: what the profiler behind the paper's Table V saw, in the units it was printed in.
    Only modules that ran and are convolutions, linear layers or batch norms have operations and
    parameters; the FLOPs column holds the multiply-accumulates of a clip divided by 10¹⁰, and the
    millions of the other column are 2²⁰.

    Attributes:
        convention: `true` or `paper`.
        clip_frames: Frames of the clip.
        height: Pixel rows of a frame.
        width: Pixel columns of a frame.
        total: Cost of the network.
        modules: Cost of its modules by name; they sum to the total.
    """

    convention: Convention
    clip_frames: int
    height: int
    width: int
    total: Cost
    modules: dict[str, Cost]

    def flops_g(self, cost: Cost) -> float:
        """Multiply-accumulates per clip in the convention's unit."""
        return cost.macs / _FLOPS_UNIT[self.convention]

    def params_m(self, cost: Cost) -> float:
        """Parameters in the convention's unit."""
        return cost.params / _PARAMS_UNIT[self.convention]


def measure_complexity(config: ModelConfig, *, convention: Convention) -> Complexity:
    """Cost of the model that `config` describes, for one clip of its own size.

    In the paper's convention CCA is measured in its projected order whatever the configuration
    says: the folded order takes weights out of modules that never run, where a profiler of modules
    finds neither their operations nor their parameters.

    Raises:
        ValueError: When the configuration is impossible; see `build_model`.
    """
    if convention == "paper":
        config = _with_every_module_run(config)
    with torch.device("meta"):
        network = build_model(config.uninitialized()).eval()
        clip = torch.empty(1, config.clip_frames, 3, config.height, config.width)
    modules = measure_modules(network, clip, convention=convention)
    return Complexity(
        convention=convention,
        clip_frames=config.clip_frames,
        height=config.height,
        width=config.width,
        total=Cost(*(sum(column) for column in zip(*modules.values(), strict=True))),
        modules=modules,
    )


def measure_modules(
    network: nn.Module, clips: torch.Tensor, *, convention: Convention
) -> dict[str, Cost]:
    """Cost of every top-level module of `network` for one forward pass, in the mode it is in.

    What the network does or owns outside of them is the entry `other`. What costs nothing has no
    entry. A module or parameter that is used twice works twice and is owned once.
    """
    counter = _count_all_products if convention == "true" else _count_profiled_modules
    rows = _top_modules(network)
    with counter(network) as count, _spread(count, rows) as macs, torch.no_grad():
        network(clips)
        total = count()
    params = _spread_parameters(total.parameters, rows)
    owned = sum(parameter.numel() for parameter in total.parameters)
    costs = {name: Cost(macs[name], params[name]) for name in rows}
    costs[REMAINDER] = Cost(total.macs - sum(macs.values()), owned - sum(params.values()))
    return {name: cost for name, cost in costs.items() if any(cost)}


def _with_every_module_run(config: ModelConfig) -> ModelConfig:
    if not isinstance(config, DCCTConfig) or config.spatial != "cca":
        return config
    projected = config.cca.model_copy(update={"order": "projected"})
    return config.model_copy(update={"cca": projected})


class _Count(NamedTuple):
    """What a convention has counted since it began: operations, and the parameters it sees."""

    macs: int
    parameters: frozenset[nn.Parameter]


_Counter = Callable[[], _Count]


@contextmanager
def _count_all_products(network: nn.Module) -> Iterator[_Counter]:
    """The true convention."""
    parameters = frozenset(network.parameters())
    with FlopCounterMode(display=False) as counter:
        yield lambda: _Count(counter.get_total_flops() // 2, parameters)


@contextmanager
def _count_profiled_modules(network: nn.Module) -> Iterator[_Counter]:
    """The paper's convention."""
    macs = 0
    parameters: set[nn.Parameter] = set()

    def see(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal macs
        macs += output.numel() * _macs_per_output(module)
        parameters.update(module.parameters())

    with ExitStack() as hooks:
        for module in network.modules():
            if isinstance(module, _PROFILED):
                hooks.enter_context(module.register_forward_hook(see))
        yield lambda: _Count(macs, frozenset(parameters))


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_PROFILED = (*_CONVOLUTIONS, *_BATCH_NORMS, nn.Linear)


def _macs_per_output(module: nn.Module) -> int:
    """Operations of one output element: a bias counts in convolutions, and not in linear layers."""
    if isinstance(module, _CONVOLUTIONS):
        inputs = module.in_channels // module.groups * math.prod(module.kernel_size)
        return inputs + (module.bias is not None)
    if isinstance(module, nn.Linear):
        return module.in_features
    return 2


def _top_modules(network: nn.Module) -> dict[str, nn.Module]:
    """Children of the network by name; containers of layers are opened.

    Necks have vectors for weights: many of them, of no cost, stay together in their container.
    """
    rows: dict[str, nn.Module] = {}
    for name, child in network.named_children():
        has_matrices = any(parameter.dim() > 1 for parameter in child.parameters())
        if isinstance(child, nn.ModuleDict | nn.ModuleList) and has_matrices:
            rows |= {f"{name}.{entry}": member for entry, member in child.named_children()}
        else:
            rows[name] = child
    return rows


@contextmanager
def _spread(count: _Counter, rows: dict[str, nn.Module]) -> Iterator[dict[str, int]]:
    """Operations of every row, complete when the block ends.

    A row works while any of its modules runs that was not called by another row's. A module that is
    shared belongs to the first.
    """
    owners = {module: name for name in reversed(rows) for module in rows[name].modules()}
    macs = dict.fromkeys(rows, 0)
    started: list[int] = []

    def enter(_: nn.Module, __: object) -> None:
        started.append(count().macs)

    def leave(module: nn.Module, *_: object) -> None:
        before = started.pop()
        if not started:
            macs[owners[module]] += count().macs - before

    with ExitStack() as hooks:
        for module in owners:
            hooks.enter_context(module.register_forward_pre_hook(enter))
            hooks.enter_context(module.register_forward_hook(leave))
        yield macs


def _spread_parameters(
    counted: frozenset[nn.Parameter], rows: dict[str, nn.Module]
) -> dict[str, int]:
    """Parameters of every row; one that is shared belongs to the first."""
    left = set(counted)
    params = {}
    for name, row in rows.items():
        owned = left.intersection(row.parameters())
        params[name] = sum(parameter.numel() for parameter in owned)
        left -= owned
    return params
