"""Complementary Content Attention, CCA (spec §1.4; the paper's eq. 1-4)."""

from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional

Order = Literal["folded", "projected"]


class AttendedFrames(NamedTuple):
    """What spatial attention makes of one branch.

    Attributes:
        features: [f, d], one per frame.
        maps: [f, n] per head (`self`, `cross`) over the frame's tokens; rows sum to one.
    """

    features: torch.Tensor
    maps: dict[str, torch.Tensor]


class ComplementaryContentAttention(nn.Module):
    """CCA of one branch: its tokens asked by its own global (SH) and by the other branch's (CH).

    The heads' outputs are concatenated, added to the mean token, and refined by a pre-norm MLP.
    Departs: a removed head leaves its half of the width to the other one, instead of zeros, so that
    the residual still adds to learned columns (Table VI, "- SH" and "- CH").

    Args:
        dimension: d, columns of this branch's tokens.
        other_dimension: Columns of the other branch's global; none when there is no cross head.
        self_head: SH.
        ffn_hidden: Hidden width of the MLP.
        order: See `ContentHead`.
        detach_cross_query: No gradient into the other branch's global.

    Raises:
        ValueError: When there is no head, or d cannot be halved.
    """

    def __init__(
        self,
        dimension: int,
        *,
        other_dimension: int | None,
        self_head: bool,
        ffn_hidden: int,
        order: Order,
        detach_cross_query: bool,
    ) -> None:
        super().__init__()
        queries = {"self": dimension} if self_head else {}
        if other_dimension is not None:
            queries["cross"] = other_dimension
        if not queries or dimension % len(queries):
            raise ValueError(
                f"expected one or two attention heads that share {dimension} columns evenly, "
                f"received {list(queries)}; keep a head, or take a backbone of even width"
            )
        self.detach_cross_query = detach_cross_query
        self.heads = nn.ModuleDict(
            {
                name: ContentHead(
                    query_dimension=query,
                    token_dimension=dimension,
                    hidden=dimension // len(queries),
                    order=order,
                )
                for name, query in queries.items()
            }
        )
        self.norm = nn.LayerNorm(dimension)
        self.expand = nn.Linear(dimension, ffn_hidden, bias=False)
        self.contract = nn.Linear(ffn_hidden, dimension, bias=False)

    def forward(self, tokens: torch.Tensor, other_global: torch.Tensor | None) -> AttendedFrames:
        """Tokens [f, n, d] and the other branch's global [f, d'] → features [f, d] and maps."""
        mean_token = tokens.mean(dim=1)
        queries = {"self": mean_token}
        if other_global is not None:
            queries["cross"] = other_global.detach() if self.detach_cross_query else other_global
        heads = {name: head(queries[name], tokens) for name, head in self.heads.items()}
        attended = torch.cat([head.features for head in heads.values()], dim=1) + mean_token
        refined = self.contract(functional.relu(self.expand(self.norm(attended))))
        return AttendedFrames(
            features=attended + refined,
            maps={name: head.attention for name, head in heads.items()},
        )


class HeadOutput(NamedTuple):
    """One head's sum of values [f, hidden] and its attention over tokens [f, n]."""

    features: torch.Tensor
    attention: torch.Tensor


class ContentHead(nn.Module):
    """One attention head with a single query per frame: softmax(q·K/√m)·V, all without bias.

    With one query, projecting every token is not needed: q·(L W_k)ᵀ = (q W_kᵀ)·Lᵀ and
    A·(L W_v) = (A·L)·W_v. Order `folded` computes the right sides, `projected` the left ones; the
    weights, and the results up to rounding, are the same.
    """

    def __init__(
        self, *, query_dimension: int, token_dimension: int, hidden: int, order: Order
    ) -> None:
        super().__init__()
        self.order = order
        self.scale = hidden**-0.5
        self.query = nn.Linear(query_dimension, hidden, bias=False)
        self.key = nn.Linear(token_dimension, hidden, bias=False)
        self.value = nn.Linear(token_dimension, hidden, bias=False)

    def forward(self, query: torch.Tensor, tokens: torch.Tensor) -> HeadOutput:
        """Query [f, q] and tokens [f, n, d] → features [f, hidden], attention [f, n]."""
        asked = self.query(query) * self.scale
        if self.order == "folded":
            attention = _attention(functional.linear(asked, self.key.weight.T), tokens)
            return HeadOutput(self.value(_weighted_sum(attention, tokens)), attention)
        attention = _attention(asked, self.key(tokens))
        return HeadOutput(_weighted_sum(attention, self.value(tokens)), attention)


def _attention(query: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Query [f, d] and keys [f, n, d] → softmax over n, [f, n]."""
    return torch.einsum("fd,fnd->fn", query, keys).softmax(dim=1)


def _weighted_sum(attention: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Weights [f, n] and values [f, n, d] → [f, d]."""
    return torch.einsum("fn,fnd->fd", attention, values)
