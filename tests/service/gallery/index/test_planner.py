import pytest

from service.gallery.index.planner import SwitchPoints, is_base_due, may_approximate

POINTS = SwitchPoints(exact_max_rows=1000, least_share=0.1, rebuild_share=0.1)


@pytest.mark.parametrize(
    ("mode", "selected", "held", "approximate"),
    [
        ("auto", 1000, 1000, False),
        ("auto", 1001, 1001, True),
        ("auto", 1001, 10_010, True),
        ("auto", 1001, 10_011, False),
        ("exact", 5000, 5000, False),
        ("ann", 10, 100, True),
        ("ann", 9, 100, False),
    ],
)
def test_small_and_narrow_searches_are_exact_and_ann_lifts_the_size_only(
    mode, selected, held, approximate
):
    assert may_approximate(POINTS, mode, selected=selected, held=held) == approximate


@pytest.mark.parametrize(
    ("held", "covered", "built", "due"),
    [
        (1000, 0, 0, False),
        (1001, 0, 0, True),
        (2000, 1800, 1800, False),
        (2000, 1799, 1799, True),
        (1800, 1800, 2000, False),
        (1799, 1799, 2000, True),
        (1000, 100, 2000, False),
    ],
)
def test_a_base_is_due_in_a_large_gallery_without_one_or_with_one_that_has_aged(
    held, covered, built, due
):
    assert is_base_due(POINTS, held=held, covered=covered, built=built) == due


def test_by_default_most_installations_never_approximate():
    assert not may_approximate(SwitchPoints(), "auto", selected=2_000_000, held=2_000_000)
    assert not is_base_due(SwitchPoints(), held=2_000_000, covered=0, built=0)
