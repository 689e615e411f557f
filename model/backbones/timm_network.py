"""Building a timm network by name, and asking what it would output without running it."""

import difflib
import functools

import timm
import torch
from torch import nn
from torch.func import functional_call

from model.normalization import Renormalization, renormalization


def build_network(
    name: str, *, size: tuple[int, int] | None = None, drop_path: float = 0.0
) -> nn.Module:
    """A timm network with fresh weights, without pooling and classifier.

    Args:
        name: timm name, with or without the tag of its weights.
        size: Pixel rows and columns, for networks that are built for one input size.
        drop_path: Stochastic depth of such a network.

    Raises:
        ValueError: When timm has no network of that name, or cannot build it this way.
    """
    _require_known(name)
    create = functools.partial(timm.create_model, name, num_classes=0, global_pool="")
    try:
        if size is None:
            return create()
        return create(img_size=size, drop_path_rate=drop_path)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        if "img_size" in str(error):
            raise ValueError(
                f"expected a Transformer, which is built for one input size, received {name!r}, "
                "which takes any; name it as the CNN"
            ) from error
        raise ValueError(
            "expected a network that timm builds without pooling and classifier, received "
            f"{name!r}, which refused: {error}; choose another one"
        ) from error


def output_shape(network: nn.Module, size: tuple[int, int]) -> tuple[int, ...]:
    """Shape of the output for one frame of `size` pixels; nothing is computed or remembered.

    The network runs on tensors without content, so that the largest one answers at once, and hooks
    on its modules see the shapes of their inputs and outputs.

    Raises:
        ValueError: When the network refuses frames of that size.
    """
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    shapes = {name: tensor.to("meta") for name, tensor in tensors.items()}
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            output = functional_call(network, shapes, (torch.empty(1, 3, *size, device="meta"),))
    except (AssertionError, RuntimeError, ValueError) as error:
        rows, columns = size
        raise ValueError(
            f"expected a network that takes frames of {rows}×{columns} pixels, received a refusal: "
            f"{error}; choose another size or network"
        ) from error
    finally:
        network.train(training)
    return tuple(output.shape)


def native_renormalization(network: nn.Module) -> Renormalization | None:
    """From the shared normalisation to the one the network's timm weights were trained with."""
    source = getattr(network, "pretrained_cfg", {})
    return renormalization(mean=tuple(source["mean"]), std=tuple(source["std"]))


def integer_attribute(network: nn.Module, name: str, *, otherwise: int) -> int:
    """An integer that timm keeps on its network, or `otherwise` where it keeps none."""
    return int(getattr(network, name, otherwise))


def patch_size(network: nn.Module) -> tuple[int, int]:
    """Pixel rows and columns of a patch; 1×1 where the network names none."""
    size = getattr(_patch_embedding(network), "patch_size", 1)
    rows, columns = (size, size) if isinstance(size, int) else size
    return rows, columns


def patch_grid(network: nn.Module) -> tuple[int, int]:
    """Rows and columns of patches the network was built for; 0×0 where it names none."""
    rows, columns = getattr(_patch_embedding(network), "grid_size", None) or (0, 0)
    return rows, columns


def _patch_embedding(network: nn.Module) -> object:
    return getattr(network, "patch_embed", None)


def _require_known(name: str) -> None:
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        close = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        raise ValueError(
            f"expected the name of a timm network, received {name!r}; did you mean one of {close}?"
        )
    tagged = timm.list_models(f"{architecture}.*", include_tags=True)
    if tag and name not in tagged:
        raise ValueError(
            f"expected a tag of weights that timm knows for {architecture}, received {name!r}; "
            f"choose one of {tagged}"
        )
