import numpy as np
import pytest

from tests.embedding_tables import drawn_table, row, table
from training.evaluation.matching import Matching
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.top_matches import Verdict, top_matches

GALLERY = table(
    row("q", 1, 1, 1.0, 0.0),
    row("same camera", 1, 1, 0.9, 0.1),
    row("junk", -1, 2, 0.9, 0.2),
    row("distractor", 0, 2, 0.9, 0.3),
    row("right", 1, 2, 0.9, 0.4),
    row("other", 2, 2, 0.0, 1.0),
)


def test_the_first_of_a_query_carry_their_verdicts_and_not_the_query_itself():
    (found,) = top_matches(GALLERY.take(np.array([0])), GALLERY, RankingRules(), 4)
    assert found.query == "q"
    assert GALLERY.names[found.rows].tolist() == ["same camera", "junk", "distractor", "right"]
    assert found.verdicts == (Verdict.IGNORED, Verdict.IGNORED, Verdict.WRONG, Verdict.RIGHT)
    expected = GALLERY.embeddings[found.rows] @ GALLERY.embeddings[0]
    assert found.similarities.tolist() == pytest.approx(expected.tolist())
    assert list(found.similarities) == sorted(found.similarities, reverse=True)


def test_a_gallery_smaller_than_the_list_is_listed_whole():
    lists = list(top_matches(GALLERY, GALLERY, RankingRules(chunk_queries=2), 50))
    assert [len(found.rows) for found in lists] == [5] * 6
    assert [found.query for found in lists] == GALLERY.names.tolist()


def test_lists_equal_a_stable_sort_of_the_whole_gallery():
    rules = RankingRules(chunk_queries=3)
    for seed in range(30):
        gallery, query = drawn_table(seed, 12, prefix="g"), drawn_table(seed + 99, 4, prefix="q")
        matching = Matching(query, gallery, rules)
        for number, found in enumerate(top_matches(query, gallery, rules, 5)):
            scores = gallery.embeddings @ query.embeddings[number]
            assert found.rows.tolist() == np.argsort(-scores, kind="stable")[:5].tolist()
            right, ignored = matching.right(number), matching.ignored(number)
            for place, verdict in zip(found.rows, found.verdicts, strict=True):
                assert (verdict == Verdict.IGNORED) == (place in ignored)
                assert (verdict == Verdict.RIGHT) == (place in right)


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="expected at least 1 match per query, received 0"):
        top_matches(GALLERY, GALLERY, RankingRules(), 0)
