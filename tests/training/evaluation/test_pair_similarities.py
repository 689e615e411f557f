import numpy as np
import pytest

from tests.embedding_tables import drawn_table, row, table
from training.evaluation.pair_similarities import pair_similarities, similarity_histograms
from training.evaluation.ranking_rules import RankingRules


def pairs_of(query, gallery):
    """Every pair that counts, one by one."""
    same, different = [], []
    for q in range(len(query)):
        for g in range(len(gallery)):
            alike = query.identities[q] == gallery.identities[g]
            own_camera = alike and query.cameras[q] == gallery.cameras[g]
            junk = gallery.identities[g] == -1 or query.identities[q] < 1
            if junk or own_camera or query.names[q] == gallery.names[g]:
                continue
            (same if alike else different).append(
                float(query.embeddings[q] @ gallery.embeddings[g])
            )
    return same, different


@pytest.mark.parametrize("seed", range(10))
def test_pairs_equal_a_loop_over_all_pairs(seed):
    people = drawn_table(seed, 15, prefix="t")
    near, far = zip(*pair_similarities(people, people, RankingRules(chunk_queries=4)), strict=True)
    same, different = pairs_of(people, people)
    assert np.concatenate(near).tolist() == same
    assert np.concatenate(far).tolist() == different
    counted = similarity_histograms(people, people, bins=40)
    for counts, listed in ((counted.same, same), (counted.different, different)):
        bins = [*counted.edges, np.inf]
        assert counts.tolist() == np.histogram(listed, bins)[0].tolist()


def test_edges_belong_to_the_bin_above_and_one_has_its_own():
    gallery = table(row("a", 1, 2, 1, 0), row("b", 2, 2, 0, 1), row("c", 2, 2, -1, 0))
    counted = similarity_histograms(table(row("q", 1, 1, 1, 0)), gallery, bins=4)
    assert counted.edges.tolist() == [-1, -0.5, 0, 0.5, 1]
    assert counted.same.tolist() == [0, 0, 0, 0, 1]
    assert counted.different.tolist() == [1, 0, 1, 0, 0]


def test_fine_bins_join_to_coarse_ones():
    people = drawn_table(3, 15, prefix="t")
    fine, coarse = (similarity_histograms(people, people, bins=bins) for bins in (40, 8))
    joined = fine.coarser(8)
    for column in ("edges", "same", "different"):
        assert getattr(joined, column).tolist() == pytest.approx(getattr(coarse, column).tolist())
    with pytest.raises(ValueError, match="expected a number of bins that divides 40, received 7"):
        fine.coarser(7)
