"""Non-local block over the positions of a clip, plain or in stripes (NVAN; spec §3.1, §3.2)."""

import torch
from torch import nn
from torch.nn import functional


class NonlocalBlock(nn.Module):
    """Z = X + BN(W Y), where Y = softmax(θᵀφ) gᵀ over the positions of all the frames it is given.

    Embedded Gaussian: θ, φ and g map c to c/2 channels with bias, and there is no scale. These
    1×1×1 convolutions are linear maps of each position, and are written so. The batch normalisation
    starts with weight and bias 0, so the block starts as the identity.

    With stripes the map is first averaged over S horizontal ones, so that there are t·S positions
    in place of t·h·w, and what a stripe attends to is added to every pixel of it.

    Args:
        channels: c.
        stripes: S, or none to attend from every pixel.

    Raises:
        ValueError: In `forward`, when the rows of the map do not split into S stripes.
    """

    def __init__(self, channels: int, *, stripes: int | None = None) -> None:
        super().__init__()
        hidden = channels // 2
        self.stripes = stripes
        self.query = nn.Linear(channels, hidden)
        self.key = nn.Linear(channels, hidden)
        self.value = nn.Linear(channels, hidden)
        self.output = nn.Linear(hidden, channels)
        self.norm = nn.BatchNorm1d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps [b, t, c, h, w] → maps of the same shape."""
        pixels = maps.permute(0, 1, 3, 4, 2)
        if self.stripes is None:
            refined = pixels + self._attend(pixels)
        else:
            rows = _stripe_rows(maps.shape[3], stripes=self.stripes)
            striped = torch.unflatten(pixels, 2, (self.stripes, rows))
            means = striped.mean(dim=(3, 4))
            refined = (striped + self._attend(means)[:, :, :, None, None]).flatten(2, 3)
        return refined.permute(0, 1, 4, 2, 3)

    def _attend(self, cells: torch.Tensor) -> torch.Tensor:
        """Cells [b, ..., c] → BN(W Y) of the same shape; all cells of a tracklet attend to all."""
        positions = cells.flatten(1, -2).unsqueeze(1)  # [b, 1, n, c]: one head
        attended = functional.scaled_dot_product_attention(
            self.query(positions), self.key(positions), self.value(positions), scale=1.0
        )
        rows: torch.Tensor = self.norm(self.output(attended).flatten(0, 2))
        return rows.reshape(cells.shape)


def _stripe_rows(rows: int, *, stripes: int) -> int:
    """Rows of the map in each stripe."""
    if rows % stripes:
        raise ValueError(
            f"expected a map whose rows split into {stripes} stripes, received {rows} rows; "
            "use frames of the height that the model is configured for"
        )
    return rows // stripes
