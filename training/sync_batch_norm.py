"""Batch statistics over the processes that train together."""

import torch
from timm.layers.norm_act import convert_sync_batchnorm

from model.tracklet_network import TrackletNetwork
from training.distributed import Processes


def synchronize_batch_norm(
    network: TrackletNetwork, device: torch.device, processes: Processes
) -> None:
    """Let every batch normalisation of the network see the whole batch; names stay as they are.

    Raises:
        ValueError: Without GPUs, which torch's synchronised kernels need, or with one process.
    """
    if device.type != "cuda" or processes.alone:
        raise ValueError(
            f"expected several processes with a GPU each for sync_batch_norm, received "
            f"{processes.world_size} on {device.type}; start with torchrun on GPUs, or set "
            "sync_batch_norm to false"
        )
    for name, child in list(network.named_children()):
        setattr(network, name, convert_sync_batchnorm(child))  # type: ignore[no-untyped-call]
