"""Two trained networks of one architecture, averaged weight by weight.

Where one was trained on from the other, the average often keeps what both can do: fine-tuned
weights lie in the same basin as those they began at (Wortsman et al., "Robust fine-tuning of
zero-shot models", CVPR 2022).
"""

from pathlib import Path

import torch

from model.registry import build_model
from model.tracklet_network import ModelConfig, TrackletNetwork
from model.weights import load_weights, open_network, read_config, save_weights

_OF_NO_ACCOUNT = {"height", "width", "clip_frames", "drop_path"}


def average_weights(first: Path, second: Path, output: Path, *, share: float) -> TrackletNetwork:
    """Write `(1 - share) * first + share * second`, at the input size and clip length of `first`.

    Positions of `second` are resized where it was trained at another size. Counters are those of
    `first`.

    Args:
        first: `weights.safetensors` of a run.
        second: Of another run of the same model.
        output: The file to write; its folder is made.
        share: Of `second`, between 0 and 1.

    Returns:
        The averaged network, in evaluation mode.

    Raises:
        ValueError: When the share is out of range, a file is not readable, or the two are not
            weights of the same model. Nothing is written then.
    """
    if not 0 < share < 1:
        raise ValueError(
            f"expected a share of the second weights between 0 and 1, received {share}; "
            "0 and 1 are the files as they are"
        )
    _require_same_model(read_config(first), read_config(second), second)
    averaged = open_network(first)
    other = build_model(averaged.config.uninitialized())
    load_weights(second, other)
    theirs = other.state_dict()
    averaged.load_state_dict(
        {
            name: torch.lerp(mine, theirs[name], share) if mine.is_floating_point() else mine
            for name, mine in averaged.state_dict().items()
        }
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    save_weights(output, averaged)
    return averaged


def _require_same_model(mine: ModelConfig, theirs: ModelConfig, second: Path) -> None:
    described = [
        config.uninitialized().model_dump(mode="json", exclude=_OF_NO_ACCOUNT)
        for config in (mine, theirs)
    ]
    differing = sorted(
        name
        for name in described[0].keys() | described[1].keys()
        if described[0].get(name) != described[1].get(name)
    )
    if differing:
        raise ValueError(
            f"expected weights of the same model, received in {second} another "
            f"{', '.join(f'model.{name}' for name in differing)}; only runs of one architecture "
            "have an average"
        )
