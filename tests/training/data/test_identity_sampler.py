from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.identity_sampler import IdentitySampler
from training.data.tracklet import Tracklet


def people(cameras_of):
    return [
        Tracklet(f"{identity}-{camera}-{i}", identity, camera, (Path("a.jpg"),))
        for identity, cameras in cameras_of.items()
        for i, camera in enumerate(cameras)
    ]


def sampler(tracklets, *, identities=3, per_identity=2, seed=0, first_step=0):
    return IdentitySampler(
        tracklets, identities=identities, per_identity=per_identity, seed=seed,
        first_step=first_step,
    )  # fmt: skip


@given(
    cameras=st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=6), min_size=3, max_size=8),
    per_identity=st.integers(2, 5),
    seed=st.integers(0, 9),
)
def test_every_batch_is_p_identities_times_k(cameras, per_identity, seed):
    tracklets = people(dict(enumerate(cameras, 1)))
    for batch in islice(sampler(tracklets, per_identity=per_identity, seed=seed), 6):
        counts = Counter(tracklets[request.tracklet].identity for request in batch)
        assert len(counts) == 3
        assert set(counts.values()) == {per_identity}


def test_cameras_differ_where_the_identity_has_several():
    tracklets = people({1: [1, 1, 1, 2], 2: [1, 2, 2, 2], 3: [3, 3, 4]})
    for batch in islice(sampler(tracklets), 50):
        for start in range(0, 6, 2):
            cameras = {tracklets[request.tracklet].camera for request in batch[start : start + 2]}
            assert len(cameras) == 2


def test_a_tracklet_repeats_only_when_there_are_too_few():
    tracklets = people({1: [1, 2, 3], 2: [1], 3: [1, 1]})
    for batch in islice(sampler(tracklets, per_identity=3), 20):
        drawn = Counter(request.tracklet for request in batch)
        for position, times in drawn.items():
            own = sum(t.identity == tracklets[position].identity for t in tracklets)
            assert times <= -(-3 // own)


def test_identities_are_seen_equally_often():
    tracklets = people({i: [1, 2] for i in range(1, 10)})
    seen = Counter(
        tracklets[request.tracklet].identity
        for batch in islice(sampler(tracklets), 30)
        for request in batch
    )
    assert set(seen.values()) == {20}


def test_one_camera_and_one_tracklet_identities_are_drawn_all_the_same():
    tracklets = people({1: [1], 2: [1, 1], 3: [None, None]})
    batch = next(iter(sampler(tracklets)))
    assert {tracklets[request.tracklet].identity for request in batch} == {1, 2, 3}


def test_starting_at_a_step_is_the_stream_from_that_step():
    tracklets = people({i: [1, 2, 3] for i in range(1, 8)})
    whole = list(islice(sampler(tracklets), 10))
    assert list(islice(sampler(tracklets, first_step=6), 4)) == whole[6:]
    assert list(islice(sampler(tracklets, seed=1), 10)) != whole


def test_every_step_draws_its_own_identities_order_and_seeds():
    batches = list(islice(sampler(people({i: [1, 2] for i in range(1, 10)})), 12))
    seeds = [request.seed for batch in batches for request in batch]
    assert len(set(seeds)) == len(seeds)
    first_pass = [request.tracklet // 2 for batch in batches[:3] for request in batch[::2]]
    second_pass = [request.tracklet // 2 for batch in batches[3:6] for request in batch[::2]]
    assert sorted(first_pass) == sorted(second_pass)
    assert first_pass != second_pass


def test_too_few_identities_are_refused():
    with pytest.raises(ValueError, match="expected at least 3 identities .* received 2; lower"):
        sampler(people({1: [1], 2: [1]}))
