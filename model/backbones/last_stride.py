"""Removing the last downsampling of a CNN: a map of twice the rows and columns, same weights."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from model.backbones.timm_network import output_shape

# Any size does that halves evenly down to the last map of a network of stride 32.
_PROBE = (256, 256)

Grid = tuple[int, ...]


def remove_last_stride(network: nn.Module, *, name: str) -> None:
    """Give the network's last map twice the rows and columns, in place (spec §1.2).

    Convolutions that halve the map for the last time get stride 1 and poolings become the identity.
    Nothing is dilated, and the names and shapes of all tensors stay, so that stock weights load.

    Raises:
        ValueError: When the map cannot be doubled this way.
    """
    steps: list[_Step] = []
    stock = _watched_shape(network, steps)[2:]
    wanted = tuple(2 * side for side in stock)
    for step in steps:
        if step.received == wanted and step.made == stock:
            _stop_halving(network, step.path)
    try:
        made = _cells(output_shape(network, _PROBE)[2:])
    except ValueError as error:
        made = str(error.__cause__)
    if made != _cells(wanted):
        raise ValueError(
            f"expected a map of {_cells(wanted)} cells of {name!r} without its last stride, "
            f"received {made}: its last downsampling is no strided convolution or pooling that "
            "keeps the size when it does not halve it; set the last stride to 2"
        )


class _Step(NamedTuple):
    """A layer, and the rows and columns of the maps it received and made."""

    path: str
    received: Grid
    made: Grid


def _watched_shape(network: nn.Module, steps: list[_Step]) -> tuple[int, ...]:
    """Shape of the output; every layer that runs is noted in `steps`."""

    def watch(path: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def note(_layer: nn.Module, received: tuple[object, ...], made: object) -> None:
            if received:
                steps.append(_Step(path, _grid(received[0]), _grid(made)))

        return note

    layers = [(path, layer) for path, layer in network.named_modules() if _is_leaf(layer)]
    handles = [layer.register_forward_hook(watch(path)) for path, layer in layers]
    try:
        return output_shape(network, _PROBE)
    finally:
        for handle in handles:
            handle.remove()


def _stop_halving(network: nn.Module, path: str) -> None:
    layer = network.get_submodule(path)
    if isinstance(layer, nn.Conv2d):
        layer.stride = (1, 1)
    elif not any(True for _ in layer.parameters()):
        network.set_submodule(path, nn.Identity())


def _is_leaf(layer: nn.Module) -> bool:
    return not any(True for _ in layer.children())


def _grid(value: object) -> Grid:
    """Rows and columns of a map [f, c, h, w]; nothing of any other value."""
    return tuple(value.shape[2:]) if isinstance(value, torch.Tensor) and value.ndim == 4 else ()


def _cells(grid: Grid) -> str:
    return "×".join(map(str, grid))
