"""Weights on disk: safetensors only, so that loading a file can never run code."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from model.backbones.size_change import fit_places
from model.backbones.tensor_names import some_names
from model.backbones.transformer import TransformerBackbone
from model.dcct import DCCT
from model.dcct_config import DCCTConfig
from model.durable_file import durable_file
from model.layers.temporal_transformer import TemporalTransformer, stretch_positions
from model.registry import build_model, parse_config
from model.tracklet_network import ModelConfig, TrackletNetwork

Tensors = dict[str, torch.Tensor]


def save_weights(path: Path, network: TrackletNetwork) -> None:
    """Write parameters, buffers and the configuration to a new safetensors file, atomically.

    Of the files the backbones started from only the names are kept: weights are passed on, and
    nobody else has the folders.
    """
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    names = {
        field: Path(file.name) for field, file in network.config.initial_weight_files().items()
    }
    config = network.config.model_copy(update=names)
    with durable_file(path) as temporary:
        save_file(tensors, temporary, metadata={"config": config.model_dump_json()})


def read_config(path: Path) -> ModelConfig:
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
    return parse_config(json.loads(metadata["config"]))


def open_network(path: Path) -> TrackletNetwork:
    """Build the network the file describes, load it, put it in evaluation mode.

    Raises:
        ValueError: When the file is missing or does not hold exactly that network.
    """
    stored = read_config(path)
    # Nothing is fetched for weights that are about to be replaced; where they began stays known.
    network = build_model(stored.uninitialized())
    load_weights(path, network)
    network.config = stored
    return network.eval()


def open_student(path: Path) -> DCCT:
    """The backbones-only student inside a trained DCCT, in evaluation mode (spec §1.9).

    Its parts equal the base parts of the whole model. Content attention and temporal aggregation
    are never built; their tensors, and nothing else, stay in the file.

    Raises:
        ValueError: When the file is missing, holds another kind of model, or not exactly a DCCT.
    """
    stored = read_config(path)
    if not isinstance(stored, DCCTConfig):
        raise ValueError(  # noqa: TRY004  # what a file holds, not what a caller passed
            f"expected the weights of a dcct in {path}, received those of {stored.kind!r}, which "
            "has no student; open the whole network"
        )
    config = stored.student()
    student = DCCT(config.uninitialized())
    tensors = _read_tensors(path)
    beyond = _prefixes_beyond_student(stored)
    kept = {name: value for name, value in tensors.items() if not name.startswith(beyond)}
    absent = [prefix for prefix in beyond if not any(name.startswith(prefix) for name in tensors)]
    _require_same_tensors(path, kept, student, absent=absent)
    student.load_state_dict(kept)
    student.config = config
    return student.eval()


def load_weights(path: Path, network: TrackletNetwork) -> None:
    """Load every tensor of the file into `network`; nothing may be missing or left over.

    Positions are resized when the file was trained at another input size or clip length.

    Raises:
        ValueError: Naming the missing, unused or misshapen tensors.
    """
    tensors = _fit_positions(_read_tensors(path), read_config(path), network)
    _require_same_tensors(path, tensors, network)
    network.load_state_dict(tensors)


def _read_tensors(path: Path) -> Tensors:
    with safe_open(path, framework="pt") as stored:
        return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118


def _fit_positions(tensors: Tensors, stored: ModelConfig, network: TrackletNetwork) -> Tensors:
    """Tensors of the stored network, at the input size and clip length of `network`."""
    wanted = network.config
    if _extent(stored) == _extent(wanted):
        return tensors
    with torch.device("meta"):
        # Only its structure is asked for: which grids and windows the tensors are for.
        trained = dict(build_model(stored.uninitialized()).named_modules())
    fitted = dict(tensors)
    for path, layer in network.named_modules():
        origin = trained.get(path)
        if isinstance(layer, TransformerBackbone) and isinstance(origin, TransformerBackbone):
            fitted |= _fit_backbone(tensors, f"{path}.network.", trained=origin, wanted=layer)
        elif isinstance(layer, TemporalTransformer) and f"{path}.positions" in tensors:
            frames = layer.positions.shape[1]
            fitted[f"{path}.positions"] = stretch_positions(tensors[f"{path}.positions"], frames)
    return fitted


def _extent(config: ModelConfig) -> tuple[int, int, int]:
    return config.height, config.width, config.clip_frames


def _fit_backbone(
    tensors: Tensors, prefix: str, *, trained: TransformerBackbone, wanted: TransformerBackbone
) -> Tensors:
    own = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    fitted = fit_places(own, trained=trained.network, wanted=wanted.network)
    return {f"{prefix}{name}": value for name, value in fitted.items()}


def _prefixes_beyond_student(config: DCCTConfig) -> tuple[str, ...]:
    """How the names of all tensors begin that a DCCT has and its student has not."""
    student = config.student().parts
    necks = tuple(f"necks.{part}." for part in config.parts if part not in student)
    spatial = ("spatial.",) if config.spatial != "gap" else ()
    temporal = ("temporal.",) if config.has_final else ()
    return (*spatial, *temporal, *necks)


def _require_same_tensors(
    path: Path, tensors: Tensors, network: TrackletNetwork, *, absent: list[str] | None = None
) -> None:
    expected = network.state_dict()
    missing = sorted(expected.keys() - tensors.keys()) + [f"{prefix}*" for prefix in absent or []]
    unused = sorted(tensors.keys() - expected.keys())
    misshapen = sorted(
        f"{name} {tuple(tensors[name].shape)} for {tuple(expected[name].shape)}"
        for name in expected.keys() & tensors.keys()
        if tensors[name].shape != expected[name].shape
    )
    if missing or unused or misshapen:
        raise ValueError(
            f"expected the tensors of the configured model in {path}, received "
            f"missing {some_names(missing)}, unused {some_names(unused)}, misshapen "
            f"{some_names(misshapen)}; use the configuration the file was made with"
        )
