"""Where tensors live."""

from typing import Literal

import torch


def choose_device(name: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """`auto` is the GPU where there is one.

    Raises:
        ValueError: When a GPU is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ValueError(
            "expected a CUDA device, received none; set device to auto or cpu, or check the driver"
        )
    return torch.device("cuda" if available and name != "cpu" else "cpu")
