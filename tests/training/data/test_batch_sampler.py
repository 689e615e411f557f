import pytest

from training.data.anchor_sampler import AnchorSampler
from training.data.batch_sampler import batch_sampler
from training.data.clip_config import ClipConfig
from training.data.identity_sampler import IdentitySampler


@pytest.mark.parametrize(
    ("sampling", "expected"), [("identities", IdentitySampler), ("anchors", AnchorSampler)]
)
def test_the_configuration_chooses_the_batches(drawn_tracklets, sampling, expected):
    clips = ClipConfig(sampling=sampling, identities=4, tracklets=2)
    sampler = batch_sampler(
        drawn_tracklets, clips, seed=3, first_step=5, rank=1, world_size=2
    )  # fmt: skip
    assert type(sampler) is expected
    whole = batch_sampler(drawn_tracklets, clips, seed=3)
    assert next(iter(sampler)) == whole.batch(5)[4:]
    assert len(whole.batch(0)) == 8
    assert batch_sampler(drawn_tracklets, clips, seed=4).batch(0) != whole.batch(0)
