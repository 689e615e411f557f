"""Tensors as another implementation names and shapes them → as timm's network has them."""

import functools
import inspect
import math
import sys
import warnings
from collections.abc import Callable, Mapping

import timm
import torch
from torch import nn

from model.backbones.timm_network import integer_attribute, patch_grid, patch_size

Tensors = dict[str, torch.Tensor]

# What the modules of timm's architectures call the conversion of their published weights.
_CONVERSIONS = ("checkpoint_filter_fn", "_filter_torchvision_pretrained", "_filter_fn")
# What a conversion stumbles over when tensors are not what it is for.
_NOT_ITS_LAYOUT = (
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
_POSITIONS = {"pos_embed", "positional_embedding"}


def convert(tensors: Mapping[str, torch.Tensor], network: nn.Module, name: str) -> Tensors:
    """Apply timm's own conversion for the architecture `name`; tensors it knows not pass through.

    It renames (OpenAI's CLIP, DINO, torchvision, ...) and resizes positions, patches and relative
    positions to those of `network`.

    Raises:
        ValueError: When the conversion cannot make sense of the tensors.
    """
    given = dict(tensors)
    if "class_embedding" in given:
        # A visual tower of CLIP cut out of its file; timm recognises it by this prefix.
        given = {f"visual.{key}": tensor for key, tensor in given.items()}
    network.pretrained_model_args = _source_arguments(given, network)  # type: ignore[assignment]
    try:
        # timm warns of how it interpolates relative positions, about which nobody can do anything.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            converted = _conversion(name)(given, network)
    except _NOT_ITS_LAYOUT as error:
        raise ValueError(f"timm cannot convert them: {type(error).__name__} {error}") from error
    finally:
        network.pretrained_model_args = {}  # type: ignore[assignment]
    return _with_final_norm(converted, network)


def _conversion(name: str) -> Callable[[Tensors, nn.Module], Tensors]:
    module = sys.modules[timm.models.model_entrypoint(name).__module__]
    found = [getattr(module, function) for function in _CONVERSIONS if hasattr(module, function)]
    if not found:
        return lambda tensors, _network: tensors
    accepted = inspect.signature(found[0]).parameters
    if "adapt_layer_scale" in accepted:  # DeiT III's names; others have none of that kind
        return functools.partial(found[0], adapt_layer_scale=True)
    if len(accepted) == 1:
        return lambda tensors, _network: found[0](tensors)
    conversion: Callable[[Tensors, nn.Module], Tensors] = found[0]
    return conversion


def _source_arguments(tensors: Tensors, network: nn.Module) -> dict[str, tuple[int, int]]:
    """The input size a grid of positions was made for, where the file has one, as timm reads it.

    No file says its grid. It is taken as square where the count allows, else as the one whose sides
    are nearest in proportion to those of the network's own grid.
    """
    rows, columns = patch_grid(network)
    found = [value for key, value in tensors.items() if key.split(".")[-1] in _POSITIONS]
    if not found or rows * columns == 0:
        return {}
    prefix = integer_attribute(network, "num_prefix_tokens", otherwise=0)
    cells = found[0].shape[-2] - (0 if getattr(network, "no_embed_class", False) else prefix)
    grid = _grid_of(cells, rows / columns)
    patch = patch_size(network)
    return {"img_size": (grid[0] * patch[0], grid[1] * patch[1])}


def _grid_of(cells: int, proportion: float) -> tuple[int, int]:
    side = math.isqrt(max(cells, 1))
    if side * side == cells:
        return side, side
    grids = [(rows, cells // rows) for rows in range(1, cells + 1) if cells % rows == 0]
    return min(
        grids, key=lambda grid: abs(math.log(grid[0] / grid[1] / proportion)), default=(1, 1)
    )


def _with_final_norm(tensors: Tensors, network: nn.Module) -> Tensors:
    """A norm that came after pooling, as the norm of the tokens.

    Departs: such weights normalise the mean token; here every token is normalised, since tokens are
    what attention needs.
    """
    if "norm.weight" in tensors or "norm.weight" not in network.state_dict():
        return tensors
    return {
        f"norm.{key.removeprefix('fc_norm.')}" if key.startswith("fc_norm.") else key: tensor
        for key, tensor in tensors.items()
    }
