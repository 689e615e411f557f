"""Reading tensors by name from a file that others wrote, without ever running what it holds."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file


class TensorGroup(NamedTuple):
    """Tensors that a file keeps together.

    Attributes:
        place: Keys that lead to them, joined by points; empty when the file is the group.
        tensors: The tensors by name.
    """

    place: str
    tensors: dict[str, torch.Tensor]


def read_tensor_groups(path: Path) -> list[TensorGroup]:
    """Every mapping from names to tensors in a file, in the order of the file.

    Files of safetensors are one group. Other files are read as torch writes them, admitting no more
    than tensors, numbers, text, lists and mappings: what would have code of its own run is refused.

    Raises:
        ValueError: When the file is missing, cannot be read that way, or holds no named tensors.
    """
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    groups = list(_groups(content, place=""))
    if not groups:
        raise ValueError(
            f"expected tensors by name in {path}, received none; save the network's state_dict()"
        )
    return groups


def _read_safetensors(path: Path) -> object:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(
            f"expected a file of safetensors at {path}, received: {error}; correct the path, or "
            "give a file that torch wrote another suffix"
        ) from error


def _read_torch(path: Path) -> object:
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(
            f"expected a file of weights at {path}, received: {error}; correct the path"
        ) from error
    except Exception as error:  # what is no such file can make the reader stumble over anything
        raise ValueError(
            f"expected a file of plain tensors at {path}, received one that torch cannot read as "
            f"such{_code_asked_for(path)}; other content is refused, because loading it can run "
            "code: where you trust the file, load it once and save its state_dict() as safetensors"
        ) from error
    return content


def _code_asked_for(path: Path) -> str:
    """Classes and functions a pickle names beyond plain tensors, where it can be told."""
    with contextlib.suppress(Exception):
        names = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
        return f" (it asks for {', '.join(names)})" if names else ""
    return ""


def _groups(content: object, *, place: str) -> Iterator[TensorGroup]:
    if not isinstance(content, Mapping):
        return
    named = {name: value for name, value in content.items() if isinstance(name, str)}
    tensors = {name: value for name, value in named.items() if isinstance(value, torch.Tensor)}
    if tensors:
        yield TensorGroup(place, tensors)
    for name, value in named.items():
        yield from _groups(value, place=f"{place}.{name}" if place else name)
