"""The stream of batches that a configuration asks for."""

from collections.abc import Sequence

from training.data.anchor_sampler import AnchorSampler
from training.data.clip_config import ClipConfig
from training.data.identity_sampler import IdentitySampler
from training.data.step_sampler import StepSampler
from training.data.tracklet import Tracklet


def batch_sampler(
    tracklets: Sequence[Tracklet],
    clips: ClipConfig,
    *,
    seed: int,
    first_step: int = 0,
    rank: int = 0,
    world_size: int = 1,
) -> StepSampler:
    """Batches of distinct identities, or of anchors with a partner, as `clips.sampling` says.

    Raises:
        ValueError: When there are too few of them, or they cannot be shared out to all processes.
    """
    kind = AnchorSampler if clips.sampling == "anchors" else IdentitySampler
    return kind(
        tracklets,
        groups=clips.identities,
        per_group=clips.tracklets,
        seed=seed,
        first_step=first_step,
        rank=rank,
        world_size=world_size,
    )
