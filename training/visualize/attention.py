"""Where a model looks in the frames of a clip, and how much each frame weighs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from model.backbones.cnn import CnnBackbone
from model.backbones.transformer import TransformerBackbone
from model.dcct import DCCT
from model.layers.temporal_aggregation import HierarchicalTemporalAggregation
from model.normalization import FrameNormalization
from model.related.nvan import NVAN
from model.tracklet_network import TrackletNetwork
from training.visualize.frame_weights import weigh_frames
from training.visualize.transformer_attention import rollout_maps

_MAP_TITLES = {
    "cnn_self": ("CCA, CNN branch, self head", "CNN positions asked by the CNN's own mean"),
    "cnn_cross": (
        "CCA, CNN branch, cross head",
        "CNN positions asked by the Transformer",
    ),
    "transformer_self": ("CCA, Transformer branch, self head", "patches asked by their own mean"),
    "transformer_cross": ("CCA, Transformer branch, cross head", "patches asked by the CNN's mean"),
    "correlation": ("GRL correlation map", "what is high in the clip's common view, 0 to 1"),
}


@dataclass(frozen=True, eq=False)
class HeatRow:
    """One map for each frame of the clip.

    Attributes:
        title: What the map is.
        explanation: How it is made, for a caption.
        maps: [t, rows, columns], at the resolution of the model; not negative.
    """

    title: str
    explanation: str
    maps: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WeightRow:
    """One number for each frame of the clip, [t], between 0 and 1."""

    title: str
    explanation: str
    weights: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ClipAttention:
    """What a model attends to in a clip.

    Attributes:
        frames: uint8 [t, h, w, 3], as the model saw them before normalisation.
        heat: Maps over the frames.
        weights: Numbers of the frames.
        notes: What this model does not have, or why a figure of it cannot be drawn.
    """

    frames: NDArray[np.uint8]
    heat: tuple[HeatRow, ...]
    weights: tuple[WeightRow, ...]
    notes: tuple[str, ...]


def explain_clip(network: TrackletNetwork, frames: NDArray[np.uint8]) -> ClipAttention:
    """Frames uint8 [t, h, w, 3] of the network's size → its attention, in evaluation mode.

    What the network lacks, and what cannot be computed for it, becomes a note.

    Raises:
        ValueError: When the frames are not of the network's size.
    """
    size = (network.config.height, network.config.width)
    if frames.ndim != 4 or frames.shape[1:3] != size or len(frames) == 0:
        raise ValueError(
            f"expected at least one frame of {size[0]}×{size[1]} pixels, received shape "
            f"{frames.shape}; read the frames at the size of the model"
        )
    network.eval()
    device = next(network.parameters()).device
    heat: list[HeatRow] = []
    weights: list[WeightRow] = []
    notes: list[str] = []
    with torch.inference_mode():
        normalized = FrameNormalization().to(device)(torch.from_numpy(frames).to(device))
        for rows in (
            _activation(network, normalized),
            _rollout(network, normalized),
            _spatial_attention(network, normalized),
            _frame_weights(network, normalized),
        ):
            for row in rows:
                if isinstance(row, str):
                    notes.append(row)
                elif isinstance(row, HeatRow):
                    heat.append(row)
                else:
                    weights.append(row)
    return ClipAttention(frames, tuple(heat), tuple(weights), tuple(notes))


def activation_energy(feature_map: torch.Tensor) -> torch.Tensor:
    """Map [f, c, h, w] → Σ_c of squares, as a share of the frame's sum: [f, h, w]."""
    energy = feature_map.square().sum(dim=1)
    return energy / energy.sum(dim=(1, 2), keepdim=True).clamp_min(1e-12)


def identity_free_grad_cam(feature_map: torch.Tensor) -> torch.Tensor:
    """Map [f, c, h, w] → Grad-CAM of ½‖g‖², with g the mean of the map: [f, h, w].

    The gradient of that target at every position is g / n, so the channels' weights are g / n and
    the map is ReLU(Σ_c g_c · A_c) / n: positions that agree with the frame's own feature. It asks
    about no class, hence suits people never seen in training.
    """
    mean = feature_map.mean(dim=(2, 3))
    agreement = torch.einsum("fc,fchw->fhw", mean, feature_map).relu()
    return agreement / (feature_map.shape[2] * feature_map.shape[3])


def _activation(network: TrackletNetwork, frames: torch.Tensor) -> Iterator[HeatRow | str]:
    if isinstance(network, NVAN):
        yield (
            "No CNN activation: non-local blocks mix the frames inside the backbone, so that a map "
            "is not of one frame."
        )
        return
    cnns = [child for child in network.children() if isinstance(child, CnnBackbone)]
    if not cnns:
        yield "No CNN activation: this model has no CNN branch."
    for cnn in cnns:
        seen = cnn(frames)
        yield HeatRow(
            "CNN activation",
            "sum over channels of the squared last map, a share of the frame's sum",
            _array(activation_energy(seen)),
        )
        yield HeatRow(
            "CNN Grad-CAM, identity-free",
            "Grad-CAM of half the squared length of the frame's own CNN feature; no class is asked",
            _array(identity_free_grad_cam(seen)),
        )


def _rollout(network: TrackletNetwork, frames: torch.Tensor) -> Iterator[HeatRow | str]:
    transformers = [child for child in network.children() if isinstance(child, TransformerBackbone)]
    if not transformers:
        yield "No attention rollout: this model has no Transformer branch."
    for transformer in transformers:
        asked = "class token" if transformer.has_class_token else "mean of patches: no class token"
        try:
            maps = rollout_maps(transformer, frames)
        except ValueError as error:
            yield f"No attention rollout: {error}."
            continue
        yield HeatRow(
            f"Transformer attention rollout ({asked})",
            "½(A + I) of every block, mean over heads, multiplied from first to last block",
            _array(maps),
        )


def _spatial_attention(network: TrackletNetwork, frames: torch.Tensor) -> Iterator[HeatRow | str]:
    try:
        maps = network(frames[None]).attention_maps
    except ValueError as error:
        yield f"No spatial attention: {error}."
        return
    if not maps:
        yield "No spatial attention: this model takes plain means over a frame's positions."
    for name, values in maps.items():
        title, explanation = _MAP_TITLES[name]
        if isinstance(network, DCCT) and network.config.spatial == "sap":
            branch = "CNN" if name.startswith("cnn") else "Transformer"
            title = f"Self-attention pooling, {branch} branch"
            explanation = "softmax over positions of one linear score each"
        yield HeatRow(title, explanation, _array(values[0]))


def _frame_weights(network: TrackletNetwork, frames: torch.Tensor) -> Iterator[WeightRow | str]:
    temporal = network.temporal if isinstance(network, DCCT) else None
    if not isinstance(network, DCCT) or not isinstance(temporal, HierarchicalTemporalAggregation):
        yield "No frame weights: this model has no Hierarchical Temporal Aggregation."
        return
    cnn, transformer = network.temporal_inputs(frames[None])
    seen = weigh_frames(temporal, cnn, transformer)
    yield WeightRow(
        "HTA weight of the frame",
        f"attention and gates rolled out to the clip feature; sums to 1, even is 1/{len(frames)}",
        _array(seen.weights[0]),
    )
    for name, kept in seen.gates.items():
        yield WeightRow(
            f"HTA gate ({name})",
            "what the frame keeps of itself, mean over channels; the rest is the clip's feature",
            _array(kept[0]),
        )


def _array(values: torch.Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()
