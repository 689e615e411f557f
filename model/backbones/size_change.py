"""What a timm Transformer learned about places, from the size it was trained at to another one."""

import math
import warnings

import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from timm.layers.pos_embed_rel import resize_rel_pos_bias_table
from torch import nn

from model.backbones.timm_network import patch_grid

Tensors = dict[str, torch.Tensor]

_POSITIONS = "pos_embed"
_RELATIVE_POSITIONS = "relative_position_bias_table"


def fit_places(tensors: Tensors, *, trained: nn.Module, wanted: nn.Module) -> Tensors:
    """Resize the position embeddings and relative position tables of one architecture.

    Departs: bicubic, as timm resizes its own, where the paper's code is bilinear (spec §1.2).

    Args:
        tensors: State of `trained`.
        trained: The network at the size the tensors are for; only its structure is asked for.
        wanted: The network at another size.

    Returns:
        The tensors at the shapes of `wanted`, wherever only the size of frames changed them.
    """
    fitted = dict(tensors)
    if _POSITIONS in tensors and patch_grid(trained) != patch_grid(wanted):
        fitted[_POSITIONS] = _resample(tensors[_POSITIONS], trained=trained, wanted=wanted)
    for path, layer in wanted.named_modules():
        key = f"{path}.{_RELATIVE_POSITIONS}"
        if key not in tensors:
            continue
        old, new = _window(trained.get_submodule(path)), _window(layer)
        if old != new:
            shape = tuple(layer.get_parameter(_RELATIVE_POSITIONS).shape)
            fitted[key] = _resize_table(tensors[key], shape, old=old, new=new)
    return fitted


def _resample(positions: torch.Tensor, *, trained: nn.Module, wanted: nn.Module) -> torch.Tensor:
    """Positions [1, prefix + n, c] → [1, prefix + n', c]; those of prefix tokens are kept."""
    old, new = patch_grid(trained), patch_grid(wanted)
    resampled: torch.Tensor = resample_abs_pos_embed(
        positions,
        new_size=list(new),
        old_size=list(old),
        num_prefix_tokens=positions.shape[1] - math.prod(old),
    )
    return resampled


def _resize_table(
    table: torch.Tensor, shape: tuple[int, ...], *, old: tuple[int, int], new: tuple[int, int]
) -> torch.Tensor:
    """Table [(2h-1)·(2w-1), heads] of a window of h×w cells → the same of another window."""
    # timm warns of how it interpolates, about which nobody can do anything.
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        resized: torch.Tensor = resize_rel_pos_bias_table(
            table, new_window_size=new, new_bias_shape=shape, old_window_size=old
        )
    return resized


def _window(layer: nn.Module) -> tuple[int, int]:
    """Rows and columns that a layer with relative positions attends over."""
    rows, columns = getattr(layer, "window_size", (0, 0))
    return rows, columns
