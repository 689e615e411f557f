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


def sampler(tracklets, *, identities=3, per_identity=2, seed=0, **options):
    return IdentitySampler(
        tracklets, groups=identities, per_group=per_identity, seed=seed, **options
    )


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


def test_camera_preference_cameras_differ_where_the_identity_has_several():
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


def test_every_camera_is_seen_before_one_is_seen_again():
    tracklets = people({1: [1] * 9 + [2, 3], 2: [1, 2, 2, 2, 2, 3], 3: [1, 2, 3]})
    for batch in islice(sampler(tracklets, per_identity=3), 30):
        for start in range(0, 9, 3):
            cameras = {tracklets[request.tracklet].camera for request in batch[start : start + 3]}
            assert cameras == {1, 2, 3}


@pytest.mark.parametrize("world_size", [1, 2, 3, 6])
def test_the_parts_of_all_ranks_are_the_batch_of_one_process(world_size):
    tracklets = people({i: [1, 2, 2, 3][: 1 + i % 4] for i in range(1, 15)})
    whole = sampler(tracklets, identities=6, per_identity=3)
    parts = [
        sampler(tracklets, identities=6, per_identity=3, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    for step in range(12):
        shares = [part.batch(step) for part in parts]
        assert [request for share in shares for request in share] == whole.batch(step)
        assert {len(share) for share in shares} == {18 // world_size}


def test_no_identity_is_shared_between_ranks():
    tracklets = people({i: [1, 2] for i in range(1, 10)})
    for step in range(4):
        seen = [
            {tracklets[request.tracklet].identity for request in share}
            for rank in range(2)
            for share in [sampler(tracklets, identities=4, rank=rank, world_size=2).batch(step)]
        ]
        assert not seen[0] & seen[1]


def test_a_batch_that_cannot_be_shared_equally_is_refused():
    with pytest.raises(ValueError, match="multiple of the 2 processes, received 3; change clips"):
        sampler(people({1: [1], 2: [1], 3: [1]}), world_size=2)


@pytest.mark.parametrize("rank", [-1, 2])
def test_a_rank_that_does_not_exist_is_refused(rank):
    with pytest.raises(ValueError, match=f"a rank from 0 to 1, received {rank}; start every"):
        sampler(people({1: [1], 2: [1]}), identities=2, rank=rank, world_size=2)


def test_too_few_identities_are_refused():
    with pytest.raises(ValueError, match="expected at least 3 identities .* received 2; lower"):
        sampler(people({1: [1], 2: [1]}))
