import threading
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest

from service.gallery.filter_tree import EVERYTHING, Equals
from service.gallery.index.ann import GraphShape
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.planner import SwitchPoints
from service.gallery.ranking.search import SearchOptions, search_view
from tests.crowds import crowd, crowd_index, questions
from tests.ranked_rows import intact

NOW_S = 1e6
POINTS = SwitchPoints(exact_max_rows=1000, canary_share=1.0)
USELESS = GraphShape(links=2, build_effort=1, search_effort=1)


def refreshed(index, *, points=POINTS, shape=None):
    tier = ApproximateTier(points, shape=shape)
    tier.refresh(lambda: index.view, now_s=NOW_S)
    return tier


def base_for(tier, index, tree=EVERYTHING, mode="auto"):
    return tier.base_for(index.view, index.view.select(tree, now_s=NOW_S), mode)


def ask(tier, index, count, *, seed=900, **options):
    asked = SearchOptions(**options)
    return [
        search_view(index.view, query, asked, now_s=NOW_S, approximate=tier)
        for query in questions(count, seed=seed)
    ]


@pytest.fixture
def index():
    return crowd_index(2000)


def test_a_gallery_that_is_large_enough_gets_a_base_that_the_gate_has_judged(index):
    tier = refreshed(index)
    status = tier.status()
    assert status.state == "published"
    assert status.rows == 2000 - 63
    assert status.recall.least >= POINTS.recall_target
    assert status.canary_recall is None
    assert base_for(tier, index) is not None


def test_a_small_gallery_gets_none():
    index = crowd_index(1000)
    tier = refreshed(index)
    assert tier.status().state == "none"
    assert base_for(tier, index, mode="ann") is None


def test_the_planner_decides_what_the_base_may_answer(index):
    tier = refreshed(index)
    narrow = Equals("identity", ("p1", "p2"))
    half = Equals("camera", ("c1", "c2"))
    assert base_for(tier, index, narrow, "ann") is None
    assert base_for(tier, index, half) is None
    assert base_for(tier, index, half, "ann") is not None
    assert base_for(tier, index, mode="exact") is None


def test_a_useless_base_is_not_published_and_not_built_again_until_much_has_changed(index):
    tier = refreshed(index, shape=USELESS)
    refused = tier.status()
    assert refused.state == "refused"
    assert refused.rows == 0
    assert refused.recall.least < POINTS.recall_target
    assert [result.tier for result in ask(tier, index, 3, mode="ann")] == ["exact"] * 3
    tier.refresh(lambda: index.view, now_s=NOW_S)
    assert tier.status().recall is refused.recall
    grow(index, 400)
    tier.refresh(lambda: index.view, now_s=NOW_S)
    assert tier.status().recall is not refused.recall


def grow(index, count):
    more = crowd(count, seed=8, first=9000)
    seq = index.view.state.seq + 1
    index.apply([intact(name, row, seq) for name, row in more.items()], [], seq=seq, chain="d")


def test_a_degraded_base_kills_the_canary_and_every_answer_is_exact_again(index):
    tier = refreshed(index)
    assert {result.tier for result in ask(tier, index, 30)} == {"ann"}
    tier.refresh(lambda: index.view, now_s=NOW_S)
    healthy = tier.status()
    assert healthy.state == "published"
    assert healthy.canary_recall >= 0.95
    base_for(tier, index).erase()
    ask(tier, index, 60)
    tier.refresh(lambda: index.view, now_s=NOW_S)
    assert tier.status().state == "given_up"
    assert tier.status().canary_recall < POINTS.recall_floor
    results = ask(tier, index, 5, mode="ann")
    assert all(result.exact and result.tier == "exact" for result in results)


def test_one_that_has_aged_is_replaced(index):
    tier = refreshed(index)
    first = base_for(tier, index)
    grow(index, 50)
    tier.refresh(lambda: index.view, now_s=NOW_S)
    assert base_for(tier, index) is first
    grow_again = crowd(400, seed=9, first=20_000)
    seq = index.view.state.seq + 1
    written = [intact(name, row, seq) for name, row in grow_again.items()]
    index.apply(written, [], seq=seq, chain="e")
    tier.refresh(lambda: index.view, now_s=NOW_S)
    second = base_for(tier, index)
    assert second is not first
    assert second.rows > first.rows


def test_what_is_dropped_is_gone_with_the_queries_that_waited(index):
    tier = refreshed(index)
    ask(tier, index, 5)
    waiting = [question.query for question in tier._attempt.canary._questions]
    base = base_for(tier, index)
    tier.drop()
    assert tier.status().state == "none"
    assert base_for(tier, index, mode="ann") is None
    assert len(waiting) == 5
    assert not np.any(waiting)
    # Without codes all rows are equally near, so the walk finds the nearest only by chance.
    selection = index.view.select(EVERYTHING, now_s=NOW_S)
    query = questions(1)[0]
    assert (
        base.nearest(index.view, query, selection, 10)
        != (index.view.nearest(query[None], selection, 10)[0])
    )


def test_what_has_gone_is_forgotten_and_the_base_goes_on(index):
    tier = refreshed(index)
    ask(tier, index, 5)
    waiting = [question.query for question in tier._attempt.canary._questions]
    gone = list(crowd(2000))[::4]
    base = base_for(tier, index)
    index.apply([], gone, seq=9999, chain="f")
    before = np.count_nonzero(codes_of(base).any(axis=1))
    tier.forget_dead(index.view)
    kept = np.count_nonzero(codes_of(base).any(axis=1))
    assert before == 2000 - 63
    # All that were held back have gone too.
    assert kept == 2000 - len(gone)
    assert not np.any(waiting)
    assert base_for(tier, index, mode="ann") is base


def codes_of(base):
    codes = faiss.downcast_index(base._graph.storage).codes
    return faiss.rev_swig_ptr(codes.data(), codes.size()).reshape(base.rows, -1).copy()


def test_what_has_gone_while_a_base_was_judged_is_forgotten_too(index):
    tier = ApproximateTier(POINTS)
    looks = iter(range(1000))
    gone = [f"t{number:05}" for number in range(1, 31)]
    before = []

    def view():
        if next(looks) == 5:
            before.append(np.count_nonzero(codes_of(tier._building).any(axis=1)))
            index.apply([], gone, seq=9999, chain="f")
            tier.forget_dead(index.view)
        return index.view

    tier.refresh(view, now_s=NOW_S)
    base = base_for(tier, index)
    assert np.count_nonzero(codes_of(base).any(axis=1)) == before[0] - 30


def test_nothing_to_forget_is_no_fault(index):
    tier = ApproximateTier(POINTS)
    tier.forget_dead(index.view)
    tier.drop()
    assert tier.status().state == "none"


@pytest.mark.parametrize("dropped_at", [1, 3, 17])
def test_a_base_is_not_published_when_it_was_dropped_while_it_was_built(index, dropped_at):
    tier = ApproximateTier(POINTS)
    looks = iter(range(1000))

    def view():
        if next(looks) == dropped_at:
            tier.drop()
        return index.view

    tier.refresh(view, now_s=NOW_S)
    assert next(looks) == dropped_at + 1
    assert tier.status().state == "none"
    tier.refresh(lambda: index.view, now_s=NOW_S)
    assert tier.status().state == "published"


def test_no_view_is_kept(index):
    tier = refreshed(index)
    ask(tier, index, 3)
    grow(index, 1)
    index.apply([], ["t00001"], seq=9999, chain="f")
    assert index.zero_dead_slots()
    assert tier.status().state == "published"


def test_searches_go_on_while_the_base_is_built_forgets_and_is_dropped(index):
    tier = refreshed(index)
    ended = threading.Event()
    gone = set(list(crowd(2000))[::50])

    def search():
        tiers = set()
        while not ended.is_set():
            before = index.view.state.seq
            for result in ask(tier, index, 3, mode="ann"):
                tiers.add(result.tier)
                assert len(result.matches) == 10
                similarities = [match.similarity for match in result.matches]
                assert similarities == sorted(similarities, reverse=True)
                found = {match.tracklet_id for match in result.matches}
                assert before < 9999 or not found & gone
        return tiers

    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(search) for _ in range(4)]
        try:
            for seq in (9999, 10_000):
                index.apply([], sorted(gone), seq=seq, chain="f")
                tier.forget_dead(index.view)
                tier.drop()
                tier.refresh(lambda: index.view, now_s=NOW_S)
        finally:
            ended.set()
        assert set().union(*(found.result(60) for found in searches)) == {"ann", "exact"}
