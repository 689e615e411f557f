from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from training.data.anchor_sampler import AnchorSampler
from training.data.tracklet import Tracklet


def people(cameras_of):
    return [
        Tracklet(f"{identity}-{camera}-{i}", identity, camera, (Path("a.jpg"),))
        for identity, cameras in cameras_of.items()
        for i, camera in enumerate(cameras)
    ]


def sampler(tracklets, *, anchors=4, per_anchor=2, seed=0, **options):
    return AnchorSampler(tracklets, groups=anchors, per_group=per_anchor, seed=seed, **options)


def groups(tracklets, steps, *, per_anchor=2, **options):
    for batch in islice(sampler(tracklets, per_anchor=per_anchor, **options), steps):
        for start in range(0, len(batch), per_anchor):
            yield batch[start : start + per_anchor]


def test_every_tracklet_is_an_anchor_once_a_pass():
    tracklets = people({1: [1, 1, 2], 2: [1], 3: [1, 2, 3, 3], 4: [2, 2, 2, 2]})
    for start in (0, 3, 6):  # 12 tracklets, 4 a step
        anchors = [group[0].tracklet for group in groups(tracklets, 3, first_step=start)]
        assert sorted(anchors) == list(range(12))


def test_camera_preference_a_partner_comes_from_another_camera_if_there_is_one():
    tracklets = people({1: [1, 1, 1, 1, 2], 2: [1, 2, 3], 3: [4, 4]})
    for anchor, partner in groups(tracklets, 40):
        first, second = tracklets[anchor.tracklet], tracklets[partner.tracklet]
        assert first.identity == second.identity
        assert anchor.tracklet != partner.tracklet
        assert (first.camera != second.camera) == (first.identity != 3)


def test_cameras_of_several_partners_differ_as_long_as_there_are_any():
    tracklets = people({1: [1, 1, 2, 2, 3], 2: [1, 2, 3, 3, 3]})
    for group in groups(tracklets, 20, per_anchor=3):
        assert {tracklets[request.tracklet].camera for request in group} == {1, 2, 3}


def test_a_lonely_tracklet_is_its_own_partner_with_other_frames():
    tracklets = people({1: [1], 2: [None], 3: [1], 4: [2]})
    for anchor, partner in groups(tracklets, 3):
        assert anchor.tracklet == partner.tracklet
        assert anchor.seed != partner.seed


def test_every_partner_is_drawn_sooner_or_later():
    tracklets = people({1: [1, 2, 3, 4]})
    seen = Counter((a.tracklet, b.tracklet) for a, b in groups(tracklets, 100))
    assert len(seen) == 12


def test_starting_at_a_step_is_the_stream_from_that_step():
    tracklets = people({i: [1, 2, 3] for i in range(1, 8)})
    whole = list(islice(sampler(tracklets), 10))
    assert list(islice(sampler(tracklets, first_step=6), 4)) == whole[6:]


def test_the_parts_of_all_ranks_are_the_batch_of_one_process():
    tracklets = people({i: [1, 2, 3] for i in range(1, 8)})
    for step in range(8):
        shares = [sampler(tracklets, rank=rank, world_size=2).batch(step) for rank in range(2)]
        assert shares[0] + shares[1] == sampler(tracklets).batch(step)
        assert len(shares[0]) == len(shares[1])


def test_too_few_tracklets_are_refused():
    with pytest.raises(ValueError, match="at least 4 tracklets .* received 3; lower clips"):
        sampler(people({1: [1, 2], 2: [1]}))
