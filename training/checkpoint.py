"""Everything that must survive a restart, in one file that cannot run code when it is read."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from training.config_difference import config_difference
from training.distributed import ALONE, Processes
from training.exponential_average import ExponentialAverage
from training.precision import Precision
from training.random_state import RandomState

CHECKPOINT_FILE = "checkpoint.pt"


class CheckpointContent(TypedDict):
    """What `checkpoint.pt` holds; only tensors, numbers, strings and containers of them."""

    step: int
    config: str
    data: str
    network: dict[str, torch.Tensor]
    objective: dict[str, torch.Tensor]
    optimizer: dict[str, object]
    schedule: dict[str, object]
    average: dict[str, object] | None
    scaler: dict[str, object]
    random: list[torch.Tensor]
    random_gpus: list[list[torch.Tensor]]


@dataclass(frozen=True)
class TrainingState:
    """The objects whose state a checkpoint holds."""

    network: nn.Module
    objective: nn.Module
    optimizer: Optimizer
    schedule: LambdaLR
    precision: Precision
    average: ExponentialAverage | None = None

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Everything that learns, of the network and of the objective."""
        return [*self.network.parameters(), *self.objective.parameters()]


@dataclass(frozen=True)
class RunOrigin:
    """What a run was started with; another of either is another run."""

    config_json: str
    data_digest: str


def checkpoint_content(
    state: TrainingState, origin: RunOrigin, *, step: int, processes: Processes = ALONE
) -> CheckpointContent:
    """The state after `step` steps; every process has to ask, since each has its own generators."""
    random = RandomState.now()
    return {
        "step": step,
        "config": origin.config_json,
        "data": origin.data_digest,
        "network": state.network.state_dict(),
        "objective": state.objective.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "schedule": state.schedule.state_dict(),
        "average": None if state.average is None else state.average.state_dict(),
        "scaler": state.precision.scaler.state_dict(),
        "random": processes.gather(random.cpu),
        "random_gpus": processes.gather(list(random.gpus)),
    }


def resume_checkpoint(
    path: Path, state: TrainingState, origin: RunOrigin, *, processes: Processes = ALONE
) -> int:
    """Load a checkpoint into `state` and the random generators; returns the steps already done.

    Raises:
        ValueError: When the file cannot be read, or was written under another configuration (all
            that differs is listed), over other tracklets or by another number of processes.
    """
    stored = _read(path)
    _require_same_run(path, stored, origin, processes)
    state.network.load_state_dict(stored["network"])
    state.objective.load_state_dict(stored["objective"])
    state.optimizer.load_state_dict(stored["optimizer"])
    state.schedule.load_state_dict(stored["schedule"])
    if state.average is not None and stored["average"] is not None:
        state.average.load_state_dict(stored["average"])
    state.precision.scaler.load_state_dict(stored["scaler"])
    own = processes.rank
    RandomState(stored["random"][own], tuple(stored["random_gpus"][own])).restore()
    return stored["step"]


def _read(path: Path) -> CheckpointContent:
    try:
        stored: CheckpointContent = torch.load(path, map_location="cpu", weights_only=True)
        missing = CheckpointContent.__annotations__.keys() - stored.keys()
    except (OSError, RuntimeError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"expected a checkpoint at {path}, received: {error}; "
            "delete it to start the run from its beginning"
        ) from error
    if missing:
        raise ValueError(
            f"expected a checkpoint at {path}, received a file without {sorted(missing)}; "
            "delete it to start the run from its beginning"
        )
    return stored


def _require_same_run(
    path: Path, stored: CheckpointContent, origin: RunOrigin, processes: Processes
) -> None:
    changed = config_difference(json.loads(stored["config"]), json.loads(origin.config_json))
    if changed:
        raise ValueError(
            f"expected the configuration that {path} was written under, received another one:\n"
            + "\n".join(f"  {line}" for line in changed)
            + "\nrestore it, or choose another run_dir"
        )
    if stored["data"] != origin.data_digest:
        raise ValueError(
            f"expected the tracklets that {path} was written over, received others; "
            "restore the data set, or choose another run_dir"
        )
    wrote = len(stored["random"])
    if wrote != processes.world_size:
        raise ValueError(
            f"expected the {wrote} processes that {path} was written by, received "
            f"{processes.world_size}, whose random numbers would be others; start it with "
            f"`torchrun --nproc-per-node {wrote}`, or choose another run_dir"
        )
