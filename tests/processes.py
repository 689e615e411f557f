"""Runs a function of a test module in several processes that talk through gloo."""

import os

import torch
from torch import distributed
from torch.multiprocessing import start_processes


def run_processes(function, folder, *, count=2):
    """`function(rank)` in every process; what they return, in the order of ranks.

    The function must be importable by name: a spawned process sees nothing else.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    start_processes(_work, (function, folder, count), nprocs=count, start_method="spawn")
    return [torch.load(folder / f"{rank}.pt") for rank in range(count)]


def _work(rank, function, folder, count):
    meeting_point = f"file://{folder / 'meeting-point'}"
    distributed.init_process_group("gloo", meeting_point, world_size=count, rank=rank)
    try:
        torch.save(function(rank), folder / f"{rank}.pt")
    finally:
        distributed.destroy_process_group()
