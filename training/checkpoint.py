"""Everything that must survive a restart, in one file that cannot run code when it is read."""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

CHECKPOINT_FILE = "checkpoint.pt"


@dataclass(frozen=True)
class TrainingState:
    """The objects whose state a checkpoint holds."""

    network: nn.Module
    heads: nn.Module
    optimizer: Optimizer
    schedule: LambdaLR


def save_checkpoint(path: Path, state: TrainingState, *, step: int, config_json: str) -> None:
    """Write the state after `step` steps, whole or not at all."""
    temporary = path.with_suffix(".tmp")
    torch.save(
        {
            "step": step,
            "config": config_json,
            "network": state.network.state_dict(),
            "heads": state.heads.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "schedule": state.schedule.state_dict(),
            "random": torch.get_rng_state(),
        },
        temporary,
    )
    temporary.replace(path)


def resume_checkpoint(path: Path, state: TrainingState, *, config_json: str) -> int:
    """Load a checkpoint into `state` and the random generator; returns the steps already done.

    Raises:
        ValueError: When the file cannot be read, or was written under another configuration.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"expected a checkpoint at {path}, received: {error}; "
            "delete it to start the run from its beginning"
        ) from error
    if stored["config"] != config_json:
        raise ValueError(
            f"expected the configuration that {path} was written under, received another one "
            f"({_difference(stored['config'], config_json)}); "
            "restore it, or choose another run_dir"
        )
    state.network.load_state_dict(stored["network"])
    state.heads.load_state_dict(stored["heads"])
    state.optimizer.load_state_dict(stored["optimizer"])
    state.schedule.load_state_dict(stored["schedule"])
    torch.set_rng_state(stored["random"])
    return int(stored["step"])


def _difference(stored: str, current: str) -> str:
    pairs = zip(stored.splitlines(), current.splitlines(), strict=False)
    changed = [f"{a.strip()} → {b.strip()}" for a, b in pairs if a != b]
    return "; ".join(changed[:3]) or "keys added or removed"
