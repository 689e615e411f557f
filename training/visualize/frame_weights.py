"""How much each frame of a clip weighs in what Hierarchical Temporal Aggregation returns.

HTA is computed once more from its weights, attention matrices and gates in the open, without any
state on the modules; the clip feature that results is compared with what the module returns.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch

from model.layers.gated_attention import GatedAttention
from model.layers.temporal_aggregation import HierarchicalTemporalAggregation
from model.layers.temporal_transformer import HEADS, TemporalTransformer, stretch_positions

TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class FrameWeights:
    """What a clip of t frames is made of, for b clips.

    Attributes:
        weights: [b, t]; each clip's sum to one. Attention rolled out over time: a frame row starts
            as that frame; TT and AT mix rows by ½(A + I), with A the mean over heads (Abnar &
            Zuidema's rule for the residual); GA keeps ḡ of a row and takes 1 - ḡ of the clip's
            weights so far, with ḡ the gate averaged over channels; branches are averaged where they
            are coupled, and frames where the clip feature averages them. Without attention, and
            with even attention, every frame weighs 1/t.
        gates: [b, t] of each GA by `branch, layer`: the gate averaged over channels, in (0, 1).
        clip: [b, d], the clip feature that came out.
    """

    weights: torch.Tensor
    gates: dict[str, torch.Tensor]
    clip: torch.Tensor


def weigh_frames(
    hta: HierarchicalTemporalAggregation, cnn: torch.Tensor, transformer: torch.Tensor
) -> FrameWeights:
    """Frame features [b, t, d_c] and [b, t, d_t], as HTA takes them → the weights of the frames.

    Raises:
        ValueError: When the parts do not give what the module gives: HTA is not what it was.
    """
    run = _Run(hta, {"cnn": cnn, "transformer": transformer})
    clip = run.aggregate()
    expected = hta(cnn, transformer)
    deviation = float((clip.feature - expected).abs().max() / expected.abs().max().clamp_min(1e-12))
    if not deviation <= TOLERANCE:
        raise ValueError(
            f"expected the weights of HTA to give its clip feature within {TOLERANCE}, received a "
            f"deviation of {deviation:.2g} of the largest value; put the network in evaluation "
            "mode, or bring training/visualize/frame_weights.py up to date with HTA"
        )
    return FrameWeights(weights=clip.weights, gates=run.gates, clip=clip.feature)


class AttendedRows(NamedTuple):
    """A TT or AT in the open: attention between frames [b, heads, t, t], frames out [b, t, d]."""

    attention: torch.Tensor
    frames: torch.Tensor


def attend_in_the_open(block: TemporalTransformer, frames: torch.Tensor) -> AttendedRows:
    """Frame features [b, t, d] through a TT or AT, with the attention it computes on the way."""
    placed = frames + stretch_positions(block.positions, frames.shape[1])
    projected = block.query_key_value(block.attention_norm(placed))
    query, key, value = projected.unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    attention = (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).softmax(dim=-1)
    mixed = placed + (attention @ value).transpose(1, 2).flatten(2)
    refined = block.contract(block.activate(block.expand(block.ffn_norm(mixed))))
    return AttendedRows(attention, block.output_norm(mixed + refined))


class _Clip(NamedTuple):
    """A clip feature [b, d] and the weights [b, t] of the frames in it."""

    feature: torch.Tensor
    weights: torch.Tensor


class _Run:
    """One pass through HTA; every branch carries its frames and what they are made of."""

    def __init__(
        self, hta: HierarchicalTemporalAggregation, frames: dict[str, torch.Tensor]
    ) -> None:
        self.hta = hta
        self.frames = {
            name: hta.align[name](rows) if name in hta.align else rows
            for name, rows in frames.items()
        }
        clips, count = frames["cnn"].shape[:2]
        start = torch.eye(count, device=frames["cnn"].device).expand(clips, -1, -1)
        self.mixtures = dict.fromkeys(frames, start)
        self.gates: dict[str, torch.Tensor] = {}

    def aggregate(self) -> _Clip:
        depth, gated = self.hta.depth, len(self.hta.gates) > 0
        self._refine(0)
        for layer in range(1, depth):
            if gated:
                self._gate(self._average(layer - 1), layer - 1)
            self._refine(layer)
        clip = self._average(depth - 1)
        if depth == 1 and gated:
            self._gate(clip, 0)
            return _Clip(_couple(self.frames).mean(dim=1), self._coupled_mixture().mean(dim=1))
        return clip

    def _refine(self, layer: int) -> None:
        for name in self.hta.temporal:
            block = _transformer(self.hta.temporal[name], layer)
            attended = attend_in_the_open(block, self.frames[name])
            self.frames[name] = attended.frames
            self.mixtures[name] = _mix(attended.attention, self.mixtures[name])

    def _average(self, layer: int) -> _Clip:
        coupled, mixture = _couple(self.frames), self._coupled_mixture()
        if len(self.hta.aggregated):
            # Without gates there are blocks for the last layers only: count from the end.
            block = _transformer(self.hta.aggregated, layer - self.hta.depth)
            attention, coupled = attend_in_the_open(block, coupled)
            mixture = _mix(attention, mixture)
        return _Clip(coupled.mean(dim=1), mixture.mean(dim=1))

    def _gate(self, clip: _Clip, layer: int) -> None:
        for name, rows in self.frames.items():
            module = self.hta.gates[layer].get_submodule(name)
            assert isinstance(module, GatedAttention)  # noqa: S101
            decoupled = module.decouple(clip.feature).unsqueeze(1)
            agreement = module.norm((rows * decoupled).flatten(0, 1)).unflatten(0, rows.shape[:2])
            gate = module.gate(agreement).sigmoid()
            kept = gate.mean(dim=2)
            self.gates[f"{name}, layer {layer + 1}"] = kept
            self.frames[name] = gate * rows + (1 - gate) * decoupled
            own = kept.unsqueeze(2) * self.mixtures[name]
            self.mixtures[name] = own + (1 - kept).unsqueeze(2) * clip.weights.unsqueeze(1)

    def _coupled_mixture(self) -> torch.Tensor:
        return torch.stack(list(self.mixtures.values())).mean(dim=0)


def _mix(attention: torch.Tensor, mixture: torch.Tensor) -> torch.Tensor:
    """Rows [b, t, t] after a block: half what its attention gathers, half themselves."""
    return (attention.mean(dim=1) @ mixture + mixture) / 2


def _couple(frames: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat(list(frames.values()), dim=2)


def _transformer(blocks: torch.nn.Module, layer: int) -> TemporalTransformer:
    assert isinstance(blocks, torch.nn.ModuleList)  # noqa: S101
    block = blocks[layer]
    assert isinstance(block, TemporalTransformer)  # noqa: S101
    return block
