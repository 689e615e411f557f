"""The generators behind stochastic depth: their state can be kept and put back."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class RandomState:
    """State of the CPU's generator, and of the generator of every visible GPU."""

    cpu: torch.Tensor
    gpus: tuple[torch.Tensor, ...]

    @classmethod
    def now(cls) -> "RandomState":
        """The state at this moment."""
        gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return cls(torch.get_rng_state(), tuple(gpus))

    def restore(self) -> None:
        """Go on from here; states of GPUs that are not there are left out."""
        torch.set_rng_state(self.cpu)
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(list(self.gpus[: torch.cuda.device_count()]))
