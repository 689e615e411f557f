"""Weights on disk: safetensors only, so that loading a file can never run code."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import nn

from model.dcct import DCCT, DCCTConfig
from model.durable_file import durable_file
from model.registry import MODELS, build_model

POSITION_KEY = "transformer.network.pos_embed"


def save_weights(path: Path, network: DCCT) -> None:
    """Write parameters, buffers and the configuration to a new safetensors file, atomically."""
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    with durable_file(path) as temporary:
        save_file(tensors, temporary, metadata={"config": network.config.model_dump_json()})


def read_config(path: Path) -> DCCTConfig:
    """The model configuration stored in a weights file.

    Raises:
        ValueError: When the file is missing, is not safetensors, or holds no configuration.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise ValueError(
            f"expected a safetensors file at {path}, received: {error}; "
            "point at `weights.safetensors` of a run"
        ) from error
    if "config" not in metadata:
        raise ValueError(
            f"expected a model configuration inside {path}, received none; "
            "use a file written by `reid-train train`"
        )
    stored_config = json.loads(metadata["config"])
    return MODELS[stored_config["kind"]].config.model_validate(stored_config)


def open_network(path: Path) -> DCCT:
    """Build the network the file describes, load it, put it in evaluation mode.

    Raises:
        ValueError: When the file is missing or does not hold exactly that network.
    """
    stored = read_config(path)
    # Nothing is fetched for weights that are about to be replaced; where they began stays known.
    network = build_model(stored.model_copy(update={"pretrained": False}))
    load_weights(path, network)
    network.config = stored
    return network.eval()


def load_weights(path: Path, network: DCCT) -> None:
    """Load every tensor of the file into `network`; nothing may be missing or left over.

    The position grid is resized when the file was trained at another input size.
    Departs: bicubic, as timm resizes its own, where the paper's code is bilinear (spec §1.2).

    Raises:
        ValueError: Naming the missing, unused or misshapen tensors.
    """
    stored_config = read_config(path)
    with safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    if POSITION_KEY in tensors:
        tensors[POSITION_KEY] = _resize_positions(tensors[POSITION_KEY], stored_config, network)
    _require_same_tensors(path, tensors, network)
    network.load_state_dict(tensors)


def _resize_positions(positions: torch.Tensor, stored: DCCTConfig, network: DCCT) -> torch.Tensor:
    wanted = network.config
    if (stored.height, stored.width) == (wanted.height, wanted.width):
        return positions
    rows, columns = network.transformer.grid
    resized: torch.Tensor = resample_abs_pos_embed(
        positions,
        new_size=[rows, columns],
        old_size=[rows * stored.height // wanted.height, columns * stored.width // wanted.width],
    )
    return resized


def _require_same_tensors(path: Path, tensors: dict[str, torch.Tensor], network: nn.Module) -> None:
    expected = network.state_dict()
    missing = sorted(expected.keys() - tensors.keys())
    unused = sorted(tensors.keys() - expected.keys())
    misshapen = sorted(
        f"{name} {tuple(tensors[name].shape)} for {tuple(expected[name].shape)}"
        for name in expected.keys() & tensors.keys()
        if tensors[name].shape != expected[name].shape
    )
    if missing or unused or misshapen:
        raise ValueError(
            f"expected the tensors of the configured model in {path}, received missing {missing}, "
            f"unused {unused}, misshapen {misshapen}; use the configuration the file was made with"
        )
