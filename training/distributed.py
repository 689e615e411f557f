"""One process, or the several that torchrun started: who writes, and how they agree.

Every process embeds its own part of a batch, all of them compute the loss of the whole batch, and
gradients are averaged. Nothing is wrapped: names in checkpoints stay as they are.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

T = TypeVar("T")

_BUCKET_NUMBERS = 8 * 2**20
_ENVIRONMENT = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Processes:
    """This process among those that train one network together.

    Attributes:
        rank: Number of this process; 0 writes files and progress, the others write nothing.
        world_size: How many there are.
    """

    rank: int = 0
    world_size: int = 1

    @property
    def alone(self) -> bool:
        """Whether there are no others."""
        return self.world_size == 1

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every gradient by its mean over processes."""
        self._average([p.grad for p in parameters if p.grad is not None])

    def average_statistics(self, module: nn.Module) -> None:
        """Replace running statistics of batch normalisations by their mean over processes."""
        norms = [norm for norm in module.modules() if isinstance(norm, _BatchNorm)]
        buffers = [buffer for norm in norms for buffer in (norm.running_mean, norm.running_var)]
        self._average([buffer for buffer in buffers if buffer is not None])

    def any_of(self, flag: bool) -> bool:  # noqa: FBT001  # the value that is agreed on
        """Whether the flag is set on some process."""
        return any(self.gather(flag))

    def gather(self, value: T) -> list[T]:
        """The value of every process, by rank."""
        gathered = [value] * self.world_size
        if not self.alone:
            dist.all_gather_object(gathered, value)
        return gathered

    @contextmanager
    def first_process_first(self) -> Iterator[None]:
        """Run the body on rank 0, and after that on the others."""
        if not self.writes:
            dist.barrier()
        yield
        if self.writes and not self.alone:
            dist.barrier()

    def _average(self, tensors: list[torch.Tensor]) -> None:
        if self.alone:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.detach().flatten() for tensor in bucket])
            dist.all_reduce(flat)
            flat /= self.world_size
            sizes = [tensor.numel() for tensor in bucket]
            for tensor, mean in zip(bucket, torch.split(flat, sizes), strict=True):
                tensor.detach().copy_(mean.view_as(tensor))


ALONE = Processes()


@contextmanager
def joined_processes(device: Literal["auto", "cpu", "cuda"]) -> Iterator[Processes]:
    """Join the processes that torchrun started, over NCCL on GPUs and gloo on CPUs.

    Without torchrun there is one process, and nothing is joined.

    Raises:
        ValueError: When the environment is half that of torchrun, or there are fewer GPUs than
            processes.
        ConnectionError: When another process has ended, whose own error says why.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield ALONE
        return
    missing = [name for name in _ENVIRONMENT if name not in os.environ]
    if missing:
        raise ValueError(
            f"expected {', '.join(_ENVIRONMENT)} beside WORLD_SIZE={world_size}, received no "
            f"{', '.join(missing)}; start with `torchrun --nproc-per-node {world_size} -m training "
            "train CONFIG`, or unset WORLD_SIZE"
        )
    on_gpu = torch.cuda.is_available() and device != "cpu"
    if on_gpu:
        _take_gpu(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield Processes(rank=dist.get_rank(), world_size=world_size)
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise ConnectionError(
                "expected an answer of the other processes, received none, since one of them has "
                f"ended: mend what it says in its own error ({error})"
            ) from error
        raise
    finally:
        dist.destroy_process_group()


def _take_gpu(local_rank: int) -> None:
    count = torch.cuda.device_count()
    if local_rank >= count:
        raise ValueError(
            f"expected a GPU for process {local_rank} of this machine, received {count} in all; "
            f"start with `torchrun --nproc-per-node {count} -m training train CONFIG`"
        )
    torch.cuda.set_device(local_rank)


def _buckets(tensors: list[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Tensors of one type together, as many as make a message of reasonable size."""
    bucket: list[torch.Tensor] = []
    for tensor in sorted(tensors, key=lambda tensor: str(tensor.dtype)):
        numbers = sum(member.numel() for member in bucket)
        if bucket and (tensor.dtype != bucket[0].dtype or numbers >= _BUCKET_NUMBERS):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket
