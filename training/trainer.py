"""The loop, and nothing but the loop."""

import math
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import torch
from rich.progress import Progress
from torch import nn
from torch.utils.data import DataLoader

from model.registry import build_model
from model.weights import load_weights, save_weights
from training.checkpoint import (
    CHECKPOINT_FILE,
    TrainingState,
    resume_checkpoint,
    save_checkpoint,
)
from training.config import TrainingConfig
from training.data.clip_dataset import Clip, ClipDataset
from training.data.identity_sampler import IdentitySampler
from training.data.tracklet import Tracklet
from training.data.transforms import training_transform
from training.heads import IdentityHeads
from training.losses.objective import base_objective
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
        self.network = build_model(config.model)
        if config.initial_weights is not None:
            load_weights(config.initial_weights, self.network)
        self.dataset = ClipDataset(
            tracklets,
            clip_frames=config.clips.frames,
            size=(config.model.height, config.model.width),
            transform=training_transform(
                config.augmentation, height=config.model.height, width=config.model.width
            ),
        )
        self.heads = IdentityHeads(self.network.part_dimensions, self.dataset.identities)
        self.steps_per_epoch = self._steps_per_epoch()
        self.total_steps = config.optimizer.epochs * self.steps_per_epoch
        optimizer = build_optimizer(self.network, self.heads, config.optimizer)
        schedule = build_schedule(optimizer, config.optimizer, steps_per_epoch=self.steps_per_epoch)
        self.state = TrainingState(self.network, self.heads, optimizer, schedule)

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
        (run_dir / CONFIG_FILE).write_text(self._config_json() + "\n", encoding="utf-8")
        task = progress.add_task("train", total=self.total_steps, completed=first)
        with RunLog(run_dir / STEPS_FILE, resume_at_step=first) as log:
            for step, clips in enumerate(islice(self._batches(first), last - first), first):
                started_s = time.perf_counter()
                fields = self.train_step(clips)
                fields["frames_per_s"] = _frames(clips) / (time.perf_counter() - started_s)
                log.write(step=step, epoch=step // self.steps_per_epoch, **fields)
                progress.update(task, advance=1, description=f"train loss {fields['loss']:.3f}")
                if (step + 1) % self.config.checkpoint_every_steps == 0 or step + 1 == last:
                    self._save(step + 1)
        return run_dir / WEIGHTS_FILE

    def train_step(self, clips: Clip) -> dict[str, float]:
        """One update on a batch of clips [b, t, 3, h, w]; returns the named losses.

        Raises:
            FloatingPointError: When the loss is not finite; nothing was updated.
        """
        self.network.train()
        bf16 = self.config.precision == "bf16"
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            features = self.network(clips.frames)
            logits = self.heads(features.frame_features)
        objective = base_objective(features, logits, clips.identity, self.config.losses)
        loss = float(objective.total.detach())
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"expected a finite loss, received {loss}; "
                "lower optimizer.learning_rate or set optimizer.gradient_clip"
            )
        self.state.optimizer.zero_grad(set_to_none=True)
        objective.total.backward()  # type: ignore[no-untyped-call]
        norm = clip_gradients(self._parameters(), self.config.optimizer.gradient_clip)
        rate = self.state.schedule.get_last_lr()[0]
        self.state.optimizer.step()
        self.state.schedule.step()
        terms = {name: float(term) for name, term in objective.terms.items()}
        return {"loss": loss, **terms, "learning_rate": float(rate), "gradient_norm": norm}

    def _batches(self, first_step: int) -> DataLoader[Clip]:
        sampler = IdentitySampler(
            self.dataset.tracklets,
            identities=self.config.clips.identities,
            per_identity=self.config.clips.tracklets,
            seed=self.config.seed,
            first_step=first_step,
        )
        return DataLoader(
            self.dataset,
            batch_sampler=sampler,
            num_workers=self.config.clips.workers,
            # A loader seeds its workers from the global generator unless it has its own; drawing
            # from the global one at every start would make a resumed run another run.
            generator=torch.Generator(),
        )

    def _resume(self) -> int:
        path = self.config.run_dir / CHECKPOINT_FILE
        if not path.exists():
            return 0
        return resume_checkpoint(path, self.state, config_json=self._config_json())

    def _save(self, steps_done: int) -> None:
        save_weights(self.config.run_dir / WEIGHTS_FILE, self.network)
        save_checkpoint(
            self.config.run_dir / CHECKPOINT_FILE,
            self.state,
            step=steps_done,
            config_json=self._config_json(),
        )

    def _steps_per_epoch(self) -> int:
        """An epoch shows as many clips as there are tracklets times K (spec §1.7)."""
        if self.config.optimizer.steps_per_epoch is not None:
            return self.config.optimizer.steps_per_epoch
        clips = self.config.clips
        wanted = len(self.dataset.tracklets) * clips.tracklets
        return -(-wanted // (clips.identities * clips.tracklets))

    def _config_json(self) -> str:
        return self.config.model_dump_json(indent=2)

    def _parameters(self) -> list[nn.Parameter]:
        return [*self.network.parameters(), *self.heads.parameters()]


def _frames(clips: Clip) -> int:
    return clips.frames.shape[0] * clips.frames.shape[1]
