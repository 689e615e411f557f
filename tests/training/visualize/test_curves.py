import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.embedding_tables import people_table
from training.evaluation.open_set import OpenSetPoint, OpenSetResult
from training.evaluation.pair_similarities import SimilarityHistograms, similarity_histograms
from training.evaluation.verification import verification_curve
from training.visualize.curves import (
    _bins_to_see,
    draw_cmc,
    draw_open_set,
    draw_precision_recall,
    draw_roc,
    draw_similarities,
)


def words(markup):
    return [text.strip() for text in ElementTree.fromstring(markup).itertext() if text.strip()]


def label(markup):
    return ElementTree.fromstring(markup).attrib["aria-label"]


def pairs(spread=1.0):
    people = people_table(1, identities=8, tracklets=4, spread=spread)
    return similarity_histograms(people, people)


def line(markup, colour):
    """Points of the first polyline of a colour, in the figure's own units."""
    path = next(d for d, style in _paths(markup) if colour in style and d.count("L") > 1)
    return np.array([[float(x), float(y)] for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", path)])


def _paths(markup):
    found = re.findall(r'<path d="([^"]+)"[^>]*style="([^"]+)"', markup)
    return [(d.replace("\n", " "), style) for d, style in found]


def test_cmc_is_drawn_as_it_is():
    values = np.array([0.5, 0.75, 0.75, 1.0])
    markup = draw_cmc({"full": values, "student": values / 2})
    assert label(markup) == "CMC curves. full: rank-1 50.0 %; student: rank-1 25.0 %"
    assert {"full", "student", "rank k", "queries matched within rank k"} <= set(words(markup))
    points = line(markup, "#2f81e0")
    heights = points[:, 1].max() - points[:, 1]
    np.testing.assert_allclose(heights / heights.max(), (values - 0.5) * 2, atol=1e-3)


def test_a_cmc_of_one_rank_is_drawn():
    assert "rank-1 100.0 %" in label(draw_cmc({"full": np.array([1.0])}))


def test_four_methods_have_lines_of_their_own():
    markup = draw_cmc({str(number): np.linspace(0, 1, 5) for number in range(4)})
    dashes = {re.sub(r".*stroke: (#\w+).*", r"\1", style) for _, style in _paths(markup)}
    assert {"#2f81e0", "#d06a00", "#1f9362", "#a960c4"} <= dashes


def test_precision_over_recall_names_its_axes_and_middle():
    markup = draw_precision_recall({"full": np.linspace(1, 0, 101)})
    assert label(markup) == "Precision over recall. full: 50.0 % at recall 50 %"
    assert {"recall", "interpolated precision, mean over queries"} <= set(words(markup))


def test_roc_marks_the_equal_error():
    curve = verification_curve(pairs())
    markup = draw_roc(curve)
    assert f"{100 * curve.equal_error_rate:.2f} %" in label(markup)
    assert f"EER {100 * curve.equal_error_rate:.2f} %" in words(markup)


def test_roc_without_errors_is_drawn():
    separate = SimilarityHistograms(
        np.array([-1.0, 0.0, 1.0]), np.array([0, 9, 0]), np.array([9, 0, 0])
    )
    assert "Equal error rate 0.00 %" in label(draw_roc(verification_curve(separate)))


def test_histograms_show_every_threshold():
    markup = draw_similarities(pairs(), {"FAR 0.1": 0.4, "FAR 0.01": 0.6})
    assert label(markup).endswith("Thresholds: FAR 0.1 at 0.400; FAR 0.01 at 0.600")
    shown = {"FAR 0.1", "FAR 0.01", "same person", "different people", "cosine similarity"}
    assert shown <= set(words(markup))


@pytest.mark.parametrize("spread", [0.01, 0.7, 3.0])
def test_joined_bins_hold_every_pair_and_fill_the_figure(spread):
    counted = pairs(spread)
    edges, same, different = _bins_to_see(counted)
    assert len(edges) == len(same) + 1 == len(different) + 1
    assert same.sum() == counted.same.sum()
    assert different.sum() == counted.different.sum()
    assert same[0] + different[0] > 0
    assert same[-1] + different[-1] > 0
    np.testing.assert_allclose(np.diff(edges), edges[1] - edges[0])


def test_pairs_that_are_all_alike_are_drawn():
    counts = np.zeros(20_001, dtype=np.int64)
    counts[-1] = 5
    alike = SimilarityHistograms(np.linspace(-1, 1, 20_001), counts, counts)
    edges, same, _ = _bins_to_see(alike)
    assert same.tolist() == [5]
    assert edges[-1] == 1
    draw_similarities(alike, {})


def test_open_set_is_drawn_over_false_accepts():
    points = tuple(OpenSetPoint(rate, 0.5, rate, 0.9) for rate in (0.5, 0.1))
    markup = draw_open_set(OpenSetResult(40, 10, 99, points, ()))
    assert label(markup) == "DIR over FAR with 40 known and 10 unknown queries"
    assert {"DIR at rank 1", "false accept rate (unknown people)"} <= set(words(markup))
