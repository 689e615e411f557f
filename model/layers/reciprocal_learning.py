"""Temporal Reciprocal Learning, TRL (GRL; spec §2.2)."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class ReciprocalFeatures(NamedTuple):
    """What TRL makes of a clip.

    Attributes:
        high: [b, t, c], every frame's high-correlation feature, enhanced; in the order of frames.
        low: [b, c], the low-correlation feature accumulated over all frames.
    """

    high: torch.Tensor
    low: torch.Tensor


class TemporalReciprocalLearning(nn.Module):
    """Two directions over the frames with separate weights, their features added.

    The order of frames matters: each one is compared with a memory of those before it.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.forwards = ReciprocalDirection(dimension)
        self.backwards = ReciprocalDirection(dimension)

    def forward(self, high: torch.Tensor, low: torch.Tensor) -> ReciprocalFeatures:
        """High and low maps [b, t, c, h, w] → features [b, t, c] and [b, c]."""
        first = self.forwards(high, low)
        last = self.backwards(high.flip(1), low.flip(1))
        return ReciprocalFeatures(high=first.high + last.high.flip(1), low=first.low + last.low)


class ReciprocalDirection(nn.Module):
    """One pass over the frames in the order given.

    A memory M of low-correlation content starts as its mean over the clip. Frame t is enhanced
    where it differs from the memory of the frames before it, and only then absorbed:

        w_t = σ(W₂ ReLU(W₁ GAP((ReLU(Conv_a M_t) - ReLU(Conv_b X_h,t))²)))
        E_t = GAP(X_h,t ⊙ (1 + w_t)),  M_t+1 = Res(M_t + X_l,t)

    Only the memory is recurrent; the rest is computed for all frames at once.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        hidden = dimension // 16
        self.view_memory = nn.Conv2d(dimension, dimension, kernel_size=1)
        self.view_frame = nn.Conv2d(dimension, dimension, kernel_size=1)
        self.squeeze = nn.Linear(dimension, hidden, bias=False)
        self.excite = nn.Linear(hidden, dimension, bias=False)
        self.absorb = MemoryUpdate(dimension)

    def forward(self, high: torch.Tensor, low: torch.Tensor) -> ReciprocalFeatures:
        """High and low maps [b, t, c, h, w] → E [b, t, c] and the last memory's mean [b, c]."""
        memories, last_memory = self._remember(low)
        enhanced = self._enhance(high.flatten(0, 1), memories.flatten(0, 1))
        return ReciprocalFeatures(
            high=torch.unflatten(enhanced, 0, high.shape[:2]), low=last_memory.mean(dim=(2, 3))
        )

    def _remember(self, low: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Low maps → the memory before every frame [b, t, c, h, w], and after the last one."""
        memory = low.mean(dim=1)
        memories = []
        for frame in low.unbind(1):
            memories.append(memory)
            memory = self.absorb(memory + frame)
        return torch.stack(memories, dim=1), memory

    def _enhance(self, seen: torch.Tensor, memories: torch.Tensor) -> torch.Tensor:
        """High maps and memories [f, c, h, w] → E [f, c]."""
        remembered = functional.relu(self.view_memory(memories))
        difference = remembered - functional.relu(self.view_frame(seen))
        novelty = difference.square().mean(dim=(2, 3))
        weights = self.excite(functional.relu(self.squeeze(novelty))).sigmoid()
        # The weights are the same at every position, so the mean may be taken before them.
        enhanced: torch.Tensor = seen.mean(dim=(2, 3)) * (1 + weights)
        return enhanced


class MemoryUpdate(nn.Module):
    """`Res`: a residual bottleneck of 1×1 convolutions to c/4 channels and back, then ReLU."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        hidden = dimension // 4
        self.bottleneck = nn.Sequential(
            nn.Conv2d(dimension, hidden, kernel_size=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, kernel_size=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, dimension, kernel_size=1, bias=False),
            nn.BatchNorm2d(dimension),
        )

    def forward(self, memory: torch.Tensor) -> torch.Tensor:
        """Memory plus the frame to absorb, [b, c, h, w] → the next memory, same shape."""
        return functional.relu(memory + self.bottleneck(memory))
