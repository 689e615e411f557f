"""Resizing inside a graph, by two constant matrices: the same arithmetic in every runtime.

Runtimes disagree on what their resizing operators do at the border and whether they antialias;
all of them multiply matrices.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


class AntialiasedResize(nn.Module):
    """Frames [f, c, h, w] of one size → [f, c, h', w'], bilinear, antialiased where they shrink.

    Args:
        source: Rows and columns of the frames that come in.
        target: Rows and columns of what goes out.
    """

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        super().__init__()
        rows, columns = (
            torch.from_numpy(_weights(before, after))
            for before, after in zip(source, target, strict=True)
        )
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns.T.contiguous(), persistent=False)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Resize; see the class for shapes."""
        resized: torch.Tensor = self.get_buffer("rows") @ (frames @ self.get_buffer("columns"))
        return resized


def _weights(before: int, after: int) -> NDArray[np.float32]:
    """[after, before]: the share of every old pixel in every new one; rows sum to one.

    A new pixel is a triangle over the old ones around its centre. It is as wide as a new pixel
    where they are larger than the old ones, and as an old pixel where not.
    """
    scale = before / after
    reach = max(scale, 1.0)
    centres = (np.arange(after) + 0.5) * scale
    distances = np.abs(np.arange(before) + 0.5 - centres[:, None])
    shares = np.maximum(0, 1 - distances / reach)
    weights: NDArray[np.float32] = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights
