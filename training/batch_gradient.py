"""The gradient of a batch's loss, however the batch is cut up over pieces and processes."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from model.features import TrackletFeatures
from model.tracklet_network import TrackletNetwork
from training.data.clip_dataset import Clip
from training.distributed import ALONE, Processes
from training.feature_leaves import as_leaves, backward_from, piece_of, slopes_of
from training.losses.gathering import gather_batch, gather_rows, join_features
from training.losses.training_objective import Objective, TrainingObjective
from training.precision import Precision
from training.random_state import RandomState


class SeenBatch(NamedTuple):
    """What was computed of the whole batch, over all pieces and processes.

    Attributes:
        objective: The loss and its terms.
        features: Of every clip.
        identities: [b] class numbers.
    """

    objective: Objective
    features: TrackletFeatures
    identities: torch.Tensor


class _Labels(NamedTuple):
    """What is known of a process's clips, on its device; see `Clip`."""

    identities: torch.Tensor
    frame_numbers: torch.Tensor | None


@dataclass(frozen=True)
class BatchGradient:
    """Forward, loss and backward of one batch.

    The objective, with its heads, always sees the whole batch: eight clips twice give the gradient
    of sixteen at once, and two processes that of one. What does differ is what a network itself
    does across a batch: each piece has its own batch statistics (unless they are frozen or, on
    GPUs, synchronised over processes) and its own draws of stochastic depth.

    Attributes:
        pieces: How many pieces a process's part of the batch is embedded in. With more than one,
            each is seen twice: without a graph, to know every feature, and again to run backwards
            from the gradients of its own.
    """

    network: TrackletNetwork
    objective: TrainingObjective
    precision: Precision
    processes: Processes = ALONE
    pieces: int = 1

    def compute(self, clips: Clip) -> SeenBatch:
        """Put the gradient of the loss into the parameters' `grad`.

        Args:
            clips: This process's part of the batch, on any device.

        Raises:
            FloatingPointError: When the loss is not finite; no gradient was computed.
            ValueError: When the clips cannot be cut into the pieces.
        """
        device = next(self.network.parameters()).device
        labels = _Labels(
            clips.identity.to(device),
            None if clips.frame_numbers is None else clips.frame_numbers.to(device),
        )
        if self.pieces == 1:
            seen = self._judge(self._embed(clips.frames, device), labels)
            self.precision.backward(seen.objective.total)
        else:
            seen = self._through_pieces(self._cut(clips.frames), labels)
        learned = [*self.network.parameters(), *self.objective.parameters()]
        self.processes.average_gradients(learned)
        self.processes.average_statistics(self.network)
        return seen

    def _through_pieces(self, pieces: tuple[torch.Tensor, ...], labels: _Labels) -> SeenBatch:
        starts: list[RandomState] = []
        embedded: list[TrackletFeatures] = []
        with torch.no_grad(), unmoved_buffers(self.network):
            for piece in pieces:
                starts.append(RandomState.now())
                embedded.append(self._embed(piece, labels.identities.device))
        leaves = as_leaves(join_features(embedded))
        seen = self._judge(leaves, labels)
        self.precision.backward(seen.objective.total)
        slopes = slopes_of(leaves)
        for number, (piece, start) in enumerate(zip(pieces, starts, strict=True)):
            start.restore()
            features = self._embed(piece, labels.identities.device)
            backward_from(features, piece_of(slopes, number, pieces=len(pieces)))
        return seen

    def _embed(self, frames: torch.Tensor, device: torch.device) -> TrackletFeatures:
        with self.precision.autocast():
            features: TrackletFeatures = self.network(_on_device(frames, device))
        return features

    def _judge(self, features: TrackletFeatures, labels: _Labels) -> SeenBatch:
        whole, everyone = gather_batch(features, labels.identities)
        numbers = None if labels.frame_numbers is None else gather_rows(labels.frame_numbers)
        with self.precision.autocast():
            objective: Objective = self.objective(whole, everyone, numbers)
        finite("loss", float(objective.total.detach()))
        return SeenBatch(objective, whole, everyone)

    def _cut(self, frames: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if len(frames) % self.pieces:
            raise ValueError(
                f"expected optimizer.accumulate to divide the {len(frames)} clips of a process, "
                f"received {self.pieces}; change it, or the clips of a batch"
            )
        return frames.chunk(self.pieces)


@contextmanager
def unmoved_buffers(module: nn.Module) -> Iterator[None]:
    """Let the body move running statistics, and put them back."""
    kept = [(buffer, buffer.clone()) for buffer in module.buffers()]
    yield
    for buffer, before in kept:
        buffer.copy_(before)


def finite(what: str, value: float) -> float:
    """The value.

    Raises:
        FloatingPointError: When it is not finite.
    """
    if not math.isfinite(value):
        raise FloatingPointError(
            f"expected a finite {what}, received {value}; "
            "lower optimizer.learning_rate or set optimizer.gradient_clip"
        )
    return value


def _on_device(frames: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy on the device, laid out and aligned alike wherever the frames come from.

    Kernels sum in another order where channels come first.
    """
    moved = torch.empty(
        frames.shape[0] * frames.shape[1],
        *frames.shape[2:],
        dtype=frames.dtype,
        device=device,
        memory_format=torch.channels_last,
    )
    moved.copy_(frames.flatten(0, 1))
    return torch.unflatten(moved, 0, frames.shape[:2])
