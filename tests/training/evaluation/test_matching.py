import numpy as np
import pytest

from tests.embedding_tables import row, table
from training.evaluation import matching
from training.evaluation.matching import Matching
from training.evaluation.ranking_rules import RankingRules

QUERY = table(row("q", 1, 1, 1, 0, outfit="coat"))
OUTFITS = RankingRules(exclude_same_outfit=True)


@pytest.mark.parametrize(
    ("rows", "rules", "reason"),
    [
        ([row("a", 2, 2, 1, 0)], RankingRules(), matching.NOT_IN_GALLERY),
        ([row("q", 1, 2, 1, 0)], RankingRules(), matching.NOT_IN_GALLERY),
        ([row("a", 1, 1, 1, 0)], RankingRules(), matching.OWN_CAMERA_ONLY),
        ([row("a", 1, 2, 1, 0, outfit="coat")], OUTFITS, matching.OWN_OUTFIT_ONLY),
        (
            [row("a", 1, 2, 1, 0, outfit="coat"), row("b", 1, 1, 1, 0, outfit="shirt")],
            OUTFITS,
            matching.OWN_CAMERA_OR_OUTFIT_ONLY,
        ),
    ],
)
def test_every_reason_for_having_no_match_is_told_apart(rows, rules, reason):
    applied = Matching(QUERY, table(*rows), rules)
    assert not len(applied.right(0))
    assert applied.reason_for_none(0) == reason
    assert reason in matching.REMEDIES


@pytest.mark.parametrize("identity", [-1, 0])
def test_junk_and_distractors_ask_nothing(identity):
    """Two distractors are two people; taken for one, they would be each other's right answer."""
    nobody = table(row("a", identity, 1, 1, 0), row("b", identity, 2, 1, 0))
    applied = Matching(nobody, nobody, RankingRules())
    assert not len(applied.right(0))
    assert applied.reason_for_none(0) == matching.ASKS_ABOUT_NOBODY
    assert set(applied.ignored(0).tolist()) == ({0, 1} if identity == -1 else {0})


def test_the_same_outfit_is_left_out_only_when_asked_and_known():
    gallery = table(
        row("same", 1, 2, 1, 0, outfit="coat"),
        row("other", 1, 2, 1, 0, outfit="shirt"),
        row("unknown", 1, 2, 1, 0),
        row("somebody else's coat", 2, 2, 1, 0, outfit="coat"),
    )
    assert Matching(QUERY, gallery, RankingRules()).right(0).tolist() == [0, 1, 2]
    changed = Matching(QUERY, gallery, OUTFITS)
    assert changed.right(0).tolist() == [1, 2]
    assert changed.ignored(0).tolist() == [0]
    bare = table(row("q", 1, 1, 1, 0))
    assert Matching(bare, gallery, OUTFITS).right(0).tolist() == [0, 1, 2]


def test_what_is_ignored_is_junk_itself_and_the_own_camera():
    gallery = table(
        row("junk", -1, 2, 1, 0),
        row("q", 1, 1, 1, 0),
        row("same camera", 1, 1, 1, 0),
        row("right", 1, 2, 1, 0),
        row("stranger", 2, 1, 1, 0),
    )
    applied = Matching(QUERY, gallery, RankingRules())
    assert sorted(applied.ignored(0).tolist()) == [0, 1, 2]
    assert applied.right(0).tolist() == [3]


def test_an_empty_gallery_is_refused():
    with pytest.raises(
        ValueError, match="expected a gallery of tracklets, received none that is not junk"
    ):
        Matching(QUERY, QUERY.take(np.array([], dtype=np.int64)), RankingRules())


def test_embeddings_of_two_models_are_refused():
    with pytest.raises(
        ValueError, match="expected queries of 3 dimensions, as the gallery has, received 2; embed"
    ):
        Matching(QUERY, table(row("g", 1, 2, 1, 0, 0)), RankingRules())
