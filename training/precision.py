"""Number formats of a step: what autocast computes in, and the loss scale that fp16 needs."""

from typing import Literal

import torch
from torch.optim import Optimizer

_COMPUTED_IN = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_SMALLEST_SCALE = 1.0


class Precision:
    """Autocast around forward passes, and scaling around the backward one.

    Weights, gradients and the optimiser stay in float32. The gradients of fp16 would vanish without
    a loss scale; where they overflow, the update is left out and the scale halved. fp32 and bf16
    need neither, and nothing is scaled.
    """

    def __init__(self, name: Literal["fp32", "bf16", "fp16"], device: torch.device) -> None:
        self._dtype = _COMPUTED_IN[name]
        self._device = device
        self.scaled = name == "fp16"
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.scaled)

    def autocast(self) -> torch.autocast:
        """Compute the body in this precision."""
        enabled = self._dtype != torch.float32
        dtype = self._dtype if enabled else torch.bfloat16
        return torch.autocast(self._device.type, dtype=dtype, enabled=enabled)

    def backward(self, loss: torch.Tensor) -> None:
        """Gradients of the scaled loss."""
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def unscale(self, optimizer: Optimizer) -> None:
        """Gradients of the loss itself; call once before they are looked at."""
        self.scaler.unscale_(optimizer)

    def update(self, optimizer: Optimizer) -> bool:
        """Move the parameters; returns False when fp16 overflowed and none moved.

        Raises:
            FloatingPointError: When gradients overflow however small the scale.
        """
        before = self.scaler.get_scale()
        self.scaler.step(optimizer)
        self.scaler.update()
        after = self.scaler.get_scale()
        if self.scaled and after < _SMALLEST_SCALE:
            raise FloatingPointError(
                f"expected gradients that fp16 can hold, received overflow at a loss scale of "
                f"{before:g}; set precision to bf16, or lower optimizer.learning_rate"
            )
        return after >= before

    def fields(self) -> dict[str, float]:
        """What a log should tell of it: the loss scale, where there is one."""
        return {"loss_scale": self.scaler.get_scale()} if self.scaled else {}
