from pathlib import Path

import pytest

from training.data.tracklet import Tracklet, hold_out_identities, identities_of, tracklets_digest


def tracklet(identity, camera=1):
    return Tracklet(f"{identity}-{camera}", identity, camera, (Path("a.jpg"),))


def test_the_last_identities_are_held_out_whole():
    tracklets = [tracklet(i, c) for i in (9, 2, 5, 7) for c in (1, 2)]
    training, validation = hold_out_identities(tracklets, 2)
    assert identities_of(training) == (2, 5)
    assert identities_of(validation) == (7, 9)
    assert len(training) + len(validation) == len(tracklets)


def test_holding_out_nobody_keeps_everything():
    tracklets = [tracklet(i) for i in (1, 2, 3)]
    assert hold_out_identities(tracklets, 0) == (tracklets, [])


def test_too_many_held_out_identities_are_refused():
    with pytest.raises(ValueError, match="at most 1 validation identities of 3, received 2"):
        hold_out_identities([tracklet(i) for i in (1, 2, 3)], 2)


def test_junk_and_distractors_are_neither_learned_nor_held_out():
    training, validation = hold_out_identities([tracklet(i) for i in (-1, 0, 1, 2, 3)], 1)
    assert identities_of(training) == (1, 2)
    assert identities_of(validation) == (3,)


def test_the_digest_says_who_and_not_where():
    here, there = tracklet(1), Tracklet("1-1", 1, 1, (Path("elsewhere/a.jpg"),))
    assert tracklets_digest([here]) == tracklets_digest([there])
    for other in (tracklet(2), tracklet(1, 2), Tracklet("1-1", 1, 1, (Path("b.jpg"),))):
        assert tracklets_digest([here]) != tracklets_digest([other])
