"""The loop, and nothing but the loop."""

import math
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import torch
from rich.progress import Progress
from torch import nn

from model.durable_file import durable_file
from model.features import TrackletFeatures
from model.registry import build_model
from model.tracklet_network import TrackletNetwork
from model.weights import load_weights, read_config, save_weights
from training.checkpoint import (
    CHECKPOINT_FILE,
    RunOrigin,
    TrainingState,
    resume_checkpoint,
    save_checkpoint,
)
from training.config import TrainingConfig
from training.data.batch_sampler import batch_sampler
from training.data.clip_dataset import Clip, ClipDataset
from training.data.clip_loader import ClipLoader
from training.data.tracklet import Tracklet, tracklets_digest
from training.device import choose_device
from training.losses.build_objective import build_objective
from training.losses.gathering import gather_batch
from training.optim import build_optimizer, build_schedule, clip_gradients
from training.run_log import RunLog

STEPS_FILE = "steps.jsonl"
WEIGHTS_FILE = "weights.safetensors"
CONFIG_FILE = "config.json"


class Trainer:
    """Trains one model on one set of tracklets; stops and resumes at any checkpoint.

    A run that was interrupted and resumed equals the uninterrupted one bit for bit on a CPU:
    batches depend on (seed, step) alone, and the generator behind stochastic depth is saved.
    """

    def __init__(self, config: TrainingConfig, tracklets: Sequence[Tracklet]) -> None:
        torch.manual_seed(config.seed)
        if config.threads:
            torch.set_num_threads(config.threads)
        self.config = config
        self.device = choose_device(config.device)
        self.network = _initial_network(config).to(self.device)
        self.dataset = ClipDataset(
            tracklets,
            size=(config.model.height, config.model.width),
            clips=config.clips,
            augmentation=config.augmentation,
        )
        objective = build_objective(self.network, self.dataset.identities, config.losses)
        self.objective = objective.to(self.device)
        self.steps_per_epoch = self._steps_per_epoch()
        self.total_steps = config.optimizer.epochs * self.steps_per_epoch
        optimizer = build_optimizer(self.network, self.objective, config.optimizer)
        schedule = build_schedule(optimizer, config.optimizer, steps_per_epoch=self.steps_per_epoch)
        self.state = TrainingState(self.network, self.objective, optimizer, schedule)
        self.origin = RunOrigin(config.model_dump_json(indent=2), tracklets_digest(tracklets))

    def fit(self, progress: Progress, *, stop_after_steps: int | None = None) -> Path:
        """Train to the last step (or `stop_after_steps` more); returns the weights file.

        Raises:
            ValueError: When the run directory holds a checkpoint of another configuration.
        """
        run_dir = self.config.run_dir
        run_dir.mkdir(parents=True, exist_ok=True)
        first = self._resume()
        last = self.total_steps
        if stop_after_steps is not None:
            last = min(last, first + stop_after_steps)
        with durable_file(run_dir / CONFIG_FILE) as temporary:
            temporary.write_text(self.origin.config_json + "\n", encoding="utf-8")
        task = progress.add_task("train", total=self.total_steps, completed=first)
        with RunLog(run_dir / STEPS_FILE, resume_at_step=first) as log:
            began_s = time.perf_counter()
            for step, clips in enumerate(islice(self._batches(first), last - first), first):
                fields = self.train_step(clips)
                began_s, previous_s = time.perf_counter(), began_s
                fields["frames_per_s"] = _frames(clips) / (began_s - previous_s)
                log.write(step=step, epoch=step // self.steps_per_epoch, **fields)
                progress.update(task, advance=1, description=f"train loss {fields['loss']:.3f}")
                if (step + 1) % self.config.checkpoint_every_steps == 0 or step + 1 == last:
                    self._save(step + 1)
        return run_dir / WEIGHTS_FILE

    def train_step(self, clips: Clip) -> dict[str, float]:
        """One update on a batch of clips [b, t, 3, h, w]; returns the named losses.

        Raises:
            FloatingPointError: When the loss or its gradient is not finite; no parameter moved.
        """
        features, identities = self._features(clips)
        with self._precision():
            objective = self.objective(features, identities)
        loss = _finite("loss", float(objective.total.detach()))
        self.state.optimizer.zero_grad(set_to_none=True)
        objective.total.backward()
        norm = clip_gradients(self._parameters(), self.config.optimizer.gradient_clip)
        _finite("gradient", norm)
        rate = self.state.schedule.get_last_lr()[0]
        self.state.optimizer.step()
        self.objective.remember(features, identities)
        self.state.schedule.step()
        terms = {name: float(term) for name, term in objective.terms.items()}
        return {"loss": loss, **terms, "learning_rate": float(rate), "gradient_norm": norm}

    def _features(self, clips: Clip) -> tuple[TrackletFeatures, torch.Tensor]:
        self.network.train()
        with self._precision():
            features = self.network(clips.frames.to(self.device))
        return gather_batch(features, clips.identity.to(self.device))

    def _precision(self) -> torch.autocast:
        enabled = self.config.precision == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)

    def _batches(self, first_step: int) -> ClipLoader:
        sampler = batch_sampler(
            self.dataset.tracklets,
            self.config.clips,
            seed=self.config.seed,
            first_step=first_step,
        )
        return ClipLoader(
            self.dataset,
            sampler,
            threads=self.config.clips.workers,
            pinned=self.device.type == "cuda",
        )

    def _resume(self) -> int:
        path = self.config.run_dir / CHECKPOINT_FILE
        if not path.exists():
            return 0
        return resume_checkpoint(path, self.state, self.origin)

    def _save(self, steps_done: int) -> None:
        save_weights(self.config.run_dir / WEIGHTS_FILE, self.network)
        path = self.config.run_dir / CHECKPOINT_FILE
        save_checkpoint(path, self.state, self.origin, step=steps_done)

    def _steps_per_epoch(self) -> int:
        """An epoch shows as many clips as there are tracklets times K (spec §1.7)."""
        if self.config.optimizer.steps_per_epoch is not None:
            return self.config.optimizer.steps_per_epoch
        clips = self.config.clips
        wanted = len(self.dataset.tracklets) * clips.tracklets
        return -(-wanted // (clips.identities * clips.tracklets))

    def _parameters(self) -> list[nn.Parameter]:
        return [*self.network.parameters(), *self.objective.parameters()]


def _initial_network(config: TrainingConfig) -> TrackletNetwork:
    """A fresh network, or one that goes on from an earlier stage and knows where that began."""
    network = build_model(config.model)
    if config.initial_weights is not None:
        load_weights(config.initial_weights, network)
        pretrained = read_config(config.initial_weights).pretrained
        network.config = config.model.model_copy(update={"pretrained": pretrained})
    return network


def _finite(what: str, value: float) -> float:
    if not math.isfinite(value):
        raise FloatingPointError(
            f"expected a finite {what}, received {value}; "
            "lower optimizer.learning_rate or set optimizer.gradient_clip"
        )
    return value


def _frames(clips: Clip) -> int:
    return clips.frames.shape[0] * clips.frames.shape[1]
