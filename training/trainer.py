"""The loop, and nothing but the loop."""

import time
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import torch
from rich.progress import Progress

from model.registry import build_model
from model.tracklet_network import TrackletNetwork
from model.weights import load_weights, read_config
from training.batch_gradient import BatchGradient, finite
from training.checkpoint import (
    RunOrigin,
    TrainingState,
    checkpoint_content,
    resume_checkpoint,
)
from training.config import TrainingConfig
from training.data.batch_sampler import batch_sampler
from training.data.clip_dataset import Clip, ClipDataset
from training.data.clip_loader import ClipLoader
from training.data.tracklet import Tracklet, tracklets_digest
from training.device import choose_device
from training.distributed import ALONE, Processes
from training.exponential_average import ExponentialAverage
from training.freezing import Freezer
from training.interruption import StopRequest, TrainingInterruptedError, stop_on_signals
from training.losses.build_objective import build_objective
from training.optim import build_optimizer, build_schedule, clip_gradients
from training.precision import Precision
from training.run_files import RunFiles
from training.run_log import RunLog
from training.sync_batch_norm import synchronize_batch_norm
from training.teacher.teacher_embeddings import TeacherEmbeddings


class Trainer:
    """Trains one model on one set of tracklets; stops and resumes at any checkpoint.

    A run that was interrupted and resumed equals the uninterrupted one bit for bit on a CPU:
    batches depend on (seed, step) alone, and the generator behind stochastic depth is saved.

    Args:
        config: The experiment.
        tracklets: What to learn from.
        processes: Those that train together; each embeds its part of every batch.
    """

    def __init__(
        self,
        config: TrainingConfig,
        tracklets: Sequence[Tracklet],
        processes: Processes = ALONE,
    ) -> None:
        torch.manual_seed(config.seed)
        if config.threads:
            torch.set_num_threads(config.threads)
        self.config = config
        self.processes = processes
        self.device = choose_device(config.device)
        self.files = RunFiles(config.run_dir)
        self.network = _initial_network(config, self.device, processes)
        self.dataset = ClipDataset(
            tracklets,
            size=(config.model.height, config.model.width),
            clips=config.clips,
            augmentation=config.augmentation,
        )
        objective = build_objective(
            self.network,
            self.dataset.identities,
            config.losses,
            teacher_rows=_teacher_rows(config, tracklets),
        )
        self.objective = objective.to(self.device)
        self.steps_per_epoch = self._steps_per_epoch()
        self.total_steps = config.optimizer.epochs * self.steps_per_epoch
        self.state = self._initial_state()
        self.origin = RunOrigin(config.model_dump_json(indent=2), tracklets_digest(tracklets))
        self._freezer = Freezer(self.network, config.freezing, steps_per_epoch=self.steps_per_epoch)
        self._gradient = BatchGradient(
            self.network,
            self.objective,
            self.state.precision,
            processes=processes,
            pieces=config.optimizer.accumulate,
        )
        if config.compile:
            self.network.compile()
        if processes.rank:  # other draws of stochastic depth than on rank 0
            torch.manual_seed(config.seed + processes.rank)

    @property
    def exported(self) -> TrackletNetwork:
        """The network whose weights are written: the average where there is one."""
        average = self.state.average
        return self.network if average is None else average.network

    def fit(self, progress: Progress, *, stop_after_steps: int | None = None) -> Path:
        """Train to the last step (or `stop_after_steps` more); returns the weights file.

        Raises:
            ValueError: When the run directory holds a checkpoint of another run.
            OSError: When a checkpoint cannot be written; the last one is whole.
            TrainingInterruptedError: When a signal ended the run; its last step is saved.
        """
        self.config.run_dir.mkdir(parents=True, exist_ok=True)
        first = self._resume()
        last = self.total_steps
        if stop_after_steps is not None:
            last = min(last, first + stop_after_steps)
        task = progress.add_task("train", total=self.total_steps, completed=first)
        with (
            stop_on_signals() as stop,
            self._log(first) as log,
            closing(iter(self._batches(first))) as batches,  # its threads end with the run
        ):
            began_s = time.perf_counter()
            for step, clips in enumerate(islice(batches, last - first), first):
                fields = self.train_step(clips, step=step)
                began_s, previous_s = time.perf_counter(), began_s
                fields["frames_per_s"] = self._frames(clips) / (began_s - previous_s)
                log.write(step=step, epoch=step // self.steps_per_epoch, **fields)
                progress.update(
                    task,
                    advance=1,
                    description=f"loss {fields['loss']:.3f} {fields['frames_per_s']:.0f} frames/s",
                )
                self._save_if_due(step + 1, last, stop)
        return self.files.weights

    def train_step(self, clips: Clip, *, step: int = 0) -> dict[str, float]:
        """One update on this process's clips [b, t, 3, h, w]; returns the named losses.

        Raises:
            FloatingPointError: When the loss or its gradient is not finite; no parameter moved.
        """
        state = self.state
        self._freezer.train_mode(step)
        state.optimizer.zero_grad(set_to_none=True)
        seen = self._gradient.compute(clips)
        state.precision.unscale(state.optimizer)
        norm = clip_gradients(state.parameters, self.config.optimizer.gradient_clip)
        if not state.precision.scaled:
            finite("gradient", norm)
        rate = state.schedule.get_last_lr()[0]
        if state.precision.update(state.optimizer):
            self.objective.remember(seen.features, seen.identities)
            state.schedule.step()
            if state.average is not None:
                state.average.update(self.network)
        terms = {name: float(term) for name, term in seen.objective.terms.items()}
        return {
            "loss": float(seen.objective.total.detach()),
            **terms,
            "learning_rate": float(rate),
            "gradient_norm": norm,
            **state.precision.fields(),
        }

    def _initial_state(self) -> TrainingState:
        config = self.config.optimizer
        optimizer = build_optimizer(self.network, self.objective, config)
        decay = config.average_decay
        return TrainingState(
            network=self.network,
            objective=self.objective,
            optimizer=optimizer,
            schedule=build_schedule(optimizer, config, steps_per_epoch=self.steps_per_epoch),
            precision=Precision(self.config.precision, self.device),
            average=None if decay is None else ExponentialAverage(self.network, decay),
        )

    def _batches(self, first_step: int) -> ClipLoader:
        sampler = batch_sampler(
            self.dataset.tracklets,
            self.config.clips,
            seed=self.config.seed,
            first_step=first_step,
            rank=self.processes.rank,
            world_size=self.processes.world_size,
        )
        return ClipLoader(
            self.dataset,
            sampler,
            threads=self.config.clips.workers,
            pinned=self.device.type == "cuda",
        )

    def _log(self, first: int) -> RunLog:
        return RunLog(
            self.config.run_dir,
            resume_at_step=first,
            writes=self.processes.writes,
            tensorboard=self.config.tensorboard,
        )

    def _resume(self) -> int:
        first = 0
        if self.files.checkpoint.exists():
            first = resume_checkpoint(
                self.files.checkpoint, self.state, self.origin, processes=self.processes
            )
            if self.processes.writes:
                self.files.save_weights(self.exported)
        if self.processes.writes:
            self.files.write_config(self.origin.config_json)
        return first

    def _save_if_due(self, steps_done: int, last: int, stop: StopRequest) -> None:
        stopping = self.processes.any_of(stop.number is not None)
        due = steps_done % self.config.checkpoint_every_steps == 0 or steps_done == last
        if due or stopping:
            content = checkpoint_content(
                self.state, self.origin, step=steps_done, processes=self.processes
            )
            if self.processes.writes:
                self.files.save(content, self.exported)
        if stopping and steps_done < self.total_steps:
            raise TrainingInterruptedError(stop, step=steps_done)

    def _steps_per_epoch(self) -> int:
        """An epoch shows as many clips as there are tracklets times K (spec §1.7)."""
        if self.config.optimizer.steps_per_epoch is not None:
            return self.config.optimizer.steps_per_epoch
        clips = self.config.clips
        wanted = len(self.dataset.tracklets) * clips.tracklets
        return -(-wanted // (clips.identities * clips.tracklets))

    def _frames(self, clips: Clip) -> int:
        return clips.frames.shape[0] * clips.frames.shape[1] * self.processes.world_size


def _teacher_rows(config: TrainingConfig, tracklets: Sequence[Tracklet]) -> torch.Tensor | None:
    """What the teacher says of every frame, in the order of the tracklets; none without one."""
    teacher = config.losses.teacher
    if teacher is None:
        return None
    stored = TeacherEmbeddings.read(teacher.embeddings, graph_sha256=teacher.graph_sha256)
    return stored.of(tracklets)


def _initial_network(
    config: TrainingConfig, device: torch.device, processes: Processes
) -> TrackletNetwork:
    """A fresh network, or one that goes on from an earlier stage and knows where that began."""
    network = build_model(config.model)
    if config.initial_weights is not None:
        load_weights(config.initial_weights, network)
        pretrained = read_config(config.initial_weights).pretrained
        network.config = config.model.model_copy(update={"pretrained": pretrained})
    if config.sync_batch_norm:
        synchronize_batch_norm(network, device, processes)
    return network.to(device)
