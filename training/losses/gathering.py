"""One batch out of pieces: of several processes, or of several micro-batches.

Losses over pairs of tracklets see the whole batch, so features are put together before the heads.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import distributed

from model.features import TrackletFeatures


def gather_batch(
    features: TrackletFeatures, identities: torch.Tensor
) -> tuple[TrackletFeatures, torch.Tensor]:
    """The batches of all processes, in the order of their ranks; alone, what was given.

    Heads and losses then run on the whole batch in every process and have the same value there;
    gradients are those of `gather_rows`. Attention maps, which nothing learns from, stay behind.

    Args:
        features: Of this process's b tracklets.
        identities: [b] class numbers.

    Returns:
        Features and identities of b · processes tracklets.

    Raises:
        ValueError: When another process has another number of tracklets.
    """
    if _processes() == 1:
        return features, identities
    _require_equal_rows(identities)
    learned = features._replace(attention_maps={})
    return _change(learned, gather_rows), gather_rows(identities)


def gather_rows(rows: torch.Tensor) -> torch.Tensor:
    """Rows [b, ...] of every process → [b · processes, ...], in the order of the ranks.

    Every process must make the same loss L of what it gets. Its own rows then receive
    processes · dL/drows, so that parameters whose gradients are *averaged* over processes (as
    `DistributedDataParallel` does) end up with the gradient of L, neither less nor more; and those
    that come after the gathering have that gradient in every process already, which an average
    leaves as it is. No communication takes place on the way back.
    """
    if _processes() == 1:
        return rows
    gathered: torch.Tensor = _Gathering.apply(rows)
    return gathered


def join_features(pieces: Sequence[TrackletFeatures]) -> TrackletFeatures:
    """Features of micro-batches → features of the batch they make, in their order."""
    first = pieces[0]
    return TrackletFeatures(
        *(
            {name: torch.cat([piece[field][name] for piece in pieces]) for name in first[field]}
            for field in range(len(first))
        )
    )


class _Gathering(torch.autograd.Function):
    """Forward: rows of all ranks. Backward: the gradient of the own rows, times the ranks."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor) -> torch.Tensor:  # noqa: ANN401, torch's own
        ctx.count = rows.shape[0]
        own = rows.contiguous()
        pieces = [torch.empty_like(own) for _ in range(_processes())]
        distributed.all_gather(pieces, own)
        return torch.cat(pieces)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ANN401, torch's own
        first = distributed.get_rank() * ctx.count
        return gradient[first : first + ctx.count] * _processes()


def _processes() -> int:
    if not (distributed.is_available() and distributed.is_initialized()):
        return 1
    return distributed.get_world_size()


def _require_equal_rows(identities: torch.Tensor) -> None:
    own = torch.tensor([identities.shape[0]], device=identities.device)
    counts = gather_rows(own).tolist()
    if len(set(counts)) > 1:
        raise ValueError(
            f"expected as many tracklets in every process, received {counts}; "
            "let the number of processes divide clips.identities"
        )


def _change(
    features: TrackletFeatures, change: Callable[[torch.Tensor], torch.Tensor]
) -> TrackletFeatures:
    return TrackletFeatures(
        *({name: change(rows) for name, rows in part.items()} for part in features)
    )
