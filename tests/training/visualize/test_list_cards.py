import pytest

from tests.embedding_tables import row, table
from training.data.tracklet import Tracklet
from training.evaluation.judged_task import MethodRanking
from training.evaluation.ranking import evaluate_retrieval
from training.visualize.list_cards import ListOptions, list_groups, parse_selections

PEOPLE = table(
    row("a", 1, 1, 1.0, 0.0),
    row("b", 1, 2, 1.0, 0.3),
    row("c", 2, 1, 0.9, 0.2),
    row("d", 2, None, 0.2, 1.0),
    row("e", 0, 3, 0.95, 0.27),
    row("f", 1, 1, 1.0, 0.1),
    row("g", -1, 1, 0.0, 1.0),
)
SCORED = MethodRanking(PEOPLE, PEOPLE, evaluate_retrieval(PEOPLE, PEOPLE))


def groups(tracklets=None, **options):
    return list_groups(SCORED, tracklets or {}, ListOptions(**{"pictures": False, **options}))


def lists(**options):
    (group,) = groups(selections=("worst",), **options)
    return {card.query.name: card for card in group.lists}


def test_groups_come_in_the_order_asked_for_and_say_how_queries_were_chosen():
    made = groups(selections=("random", "worst", "best"), seed=7)
    assert [group.name for group in made] == ["random", "worst", "best"]
    assert made[0].explanation == "Queries drawn with seed 7."


def test_labels_say_rank_and_verdict_in_words():
    card = lists(top_k=6)["a"]
    assert [(entry.shown.name, entry.label) for entry in card.entries] == [
        ("f", "– ignored: same camera"),
        ("c", "✗ rank 1, wrong"),
        ("e", "✗ rank 2, wrong, distractor"),
        ("b", "✓ rank 3, right"),
        ("d", "✗ rank 4, wrong"),
        ("g", "– ignored: junk"),
    ]
    assert card.verdict == "first right match at rank 3, 1 right match in the gallery"


def test_cards_say_who_where_and_when():
    tracklets = {"b": Tracklet("b", 1, 2, ("none.jpg",), start_s=3725.25)}
    (group,) = groups(tracklets, selections=("worst",), top_k=6)
    shown = {entry.shown.name: entry.shown for card in group.lists for entry in card.entries}
    b, d = shown["b"], shown["d"]
    assert (b.identity, b.camera, b.time) == ("identity 1", "camera 2", "at 1:02:05.2")
    assert (d.identity, d.camera, d.time) == ("identity 2", "camera unknown", "time unknown")
    assert (shown["e"].identity, shown["g"].identity) == ("distractor", "junk")


@pytest.mark.parametrize(
    ("start_s", "shown"),
    [(0.0, "at 0:00:00.0"), (59.96, "at 0:01:00.0"), (-1.5, "at -0:00:01.5")],
)
def test_times_carry_into_minutes_and_may_lie_before_zero(start_s, shown):
    tracklets = {"a": Tracklet("a", 1, 1, ("none.jpg",), start_s=start_s)}
    (group,) = groups(tracklets, selections=("best",))
    assert shown in {card.query.time for card in group.lists}


def test_pictures_are_read_once_and_only_where_asked_for(drawn_tracklets, monkeypatch):
    read = []

    def strip(tracklet, *, most):
        read.append(tracklet.name)
        return ["picture"] * most

    monkeypatch.setattr("training.visualize.list_cards.frame_strip", strip)
    frames = drawn_tracklets[0].frames
    tracklets = {name: Tracklet(name, 1, 1, frames) for name in "abcdefg"}
    made = groups(tracklets, pictures=True, strip_frames=3)
    assert {card.query.pictures for group in made for card in group.lists} == {("picture",) * 3}
    assert len(read) <= 2 * len(PEOPLE)
    read.clear()
    groups(tracklets, pictures=False)
    assert read == []


def test_numbers_outside_their_range_are_refused():
    for wrong in ({"queries": 0}, {"top_k": 0}, {"strip_frames": 9}, {"strip_frames": 0}):
        with pytest.raises(ValueError, match="strips of 1 to 8 frames, received"):
            ListOptions(**wrong)


def test_groups_are_named_with_commas_in_their_order():
    assert parse_selections("random,worst") == ("random", "worst")
    for wrong in ("", "worst,worst", "worst,first"):
        with pytest.raises(ValueError, match="some of worst,best,random, each once, received"):
            parse_selections(wrong)
