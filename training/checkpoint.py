"""Everything that must survive a restart, in one file that cannot run code when it is read."""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from model.durable_file import durable_file

CHECKPOINT_FILE = "checkpoint.pt"


@dataclass(frozen=True)
class TrainingState:
    """The objects whose state a checkpoint holds."""

    network: nn.Module
    heads: nn.Module
    optimizer: Optimizer
    schedule: LambdaLR


@dataclass(frozen=True)
class RunOrigin:
    """What a run was started with; another of either is another run."""

    config_json: str
    data_digest: str


def save_checkpoint(path: Path, state: TrainingState, origin: RunOrigin, *, step: int) -> None:
    """Write the state after `step` steps, whole or not at all."""
    content = {
        "step": step,
        "config": origin.config_json,
        "data": origin.data_digest,
        "network": state.network.state_dict(),
        "heads": state.heads.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "schedule": state.schedule.state_dict(),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    with durable_file(path) as temporary:
        torch.save(content, temporary)


def resume_checkpoint(path: Path, state: TrainingState, origin: RunOrigin) -> int:
    """Load a checkpoint into `state` and the random generators; returns the steps already done.

    Raises:
        ValueError: When the file cannot be read, or was written under another configuration or
            over other tracklets.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        began_with = RunOrigin(stored["config"], stored["data"])
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"expected a checkpoint at {path}, received: {error}; "
            "delete it to start the run from its beginning"
        ) from error
    if began_with.config_json != origin.config_json:
        raise ValueError(
            f"expected the configuration that {path} was written under, received another one "
            f"({_difference(began_with.config_json, origin.config_json)}); "
            "restore it, or choose another run_dir"
        )
    if began_with.data_digest != origin.data_digest:
        raise ValueError(
            f"expected the tracklets that {path} was written over, received others; "
            "restore the data set, or choose another run_dir"
        )
    state.network.load_state_dict(stored["network"])
    state.heads.load_state_dict(stored["heads"])
    state.optimizer.load_state_dict(stored["optimizer"])
    state.schedule.load_state_dict(stored["schedule"])
    torch.set_rng_state(stored["random"])
    if stored["random_cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(stored["random_cuda"])
    return int(stored["step"])


def _difference(stored: str, current: str) -> str:
    pairs = zip(stored.splitlines(), current.splitlines(), strict=False)
    changed = [f"{a.strip()} → {b.strip()}" for a, b in pairs if a != b]
    return "; ".join(changed[:3]) or "keys added or removed"
