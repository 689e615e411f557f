"""The files of a run, written so that a crash or a full disk leaves the last whole ones."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from model.durable_file import durable_file
from model.tracklet_network import TrackletNetwork
from model.weights import save_weights
from training.checkpoint import CHECKPOINT_FILE, CheckpointContent

WEIGHTS_FILE = "weights.safetensors"
CONFIG_FILE = "config.json"
_MEGABYTE = 1e6


@dataclass(frozen=True)
class RunFiles:
    """Where a run keeps what it makes.

    `checkpoint.pt` is the truth, and `weights.safetensors` is made of it. Both are complete on disk
    before either takes its name; a crash between the two renames leaves weights that are newer than
    the checkpoint, and going on from it writes them again.

    Attributes:
        run_dir: The folder; it has to exist.
    """

    run_dir: Path

    @property
    def checkpoint(self) -> Path:
        """Everything that resuming needs."""
        return self.run_dir / CHECKPOINT_FILE

    @property
    def weights(self) -> Path:
        """The network alone, as everything after training reads it."""
        return self.run_dir / WEIGHTS_FILE

    def write_config(self, config_json: str) -> None:
        """Keep the configuration beside what it made."""
        with durable_file(self.run_dir / CONFIG_FILE) as temporary:
            temporary.write_text(config_json + "\n", encoding="utf-8")

    def save(self, content: CheckpointContent, network: TrackletNetwork) -> None:
        """Write the checkpoint and the weights of the network that is exported.

        Raises:
            OSError: When they cannot be written, most often because the disk is full; both files
                are as they were.
        """
        with (
            self._room_for(_tensors(content)),
            durable_file(self.checkpoint) as temporary,
        ):
            with temporary.open("wb") as stream:
                torch.save(content, stream)
            save_weights(self.weights, network)

    def save_weights(self, network: TrackletNetwork) -> None:
        """Write the weights again, of the checkpoint that was just read.

        Raises:
            OSError: When they cannot be written.
        """
        with self._room_for(network.state_dict().values()):
            save_weights(self.weights, network)

    @contextmanager
    def _room_for(self, tensors: Iterable[torch.Tensor]) -> Iterator[None]:
        """Explain why writing in the body failed."""
        needed = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        try:
            yield
        # torch and safetensors report a failed write as errors of their own.
        except (OSError, RuntimeError, SafetensorError) as error:
            free = shutil.disk_usage(self.run_dir).free
            before = "the last one is whole" if self.checkpoint.exists() else "there is none yet"
            raise OSError(
                f"expected to write a checkpoint of about {needed / _MEGABYTE:.1f} MB into "
                f"{self.run_dir}, where {free / _MEGABYTE:.1f} MB are free, received: {error}; "
                f"{before}: make room or lift the limit, and run the same command again to go on"
            ) from error


def _tensors(content: object) -> Iterator[torch.Tensor]:
    """Every tensor within a checkpoint."""
    if isinstance(content, torch.Tensor):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from _tensors(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _tensors(value)
