import pytest

from tests.evaluation_reports import METHOD, made_up_report
from training.evaluation.reproduction import Reproduction, compare_with_expected
from training.expected_result import ExpectedResult

OFFICIAL = {"queries": "of the split", "frames": "dense"}


def expected(**changes):
    settings = {
        "rows": ("Table II",),
        "rank_1": 61.75,
        "mean_average_precision": 60,
        "protocol": {"gallery_includes_query": True},
    }
    return ExpectedResult.model_validate({**settings, **changes})


def test_every_metric_that_is_named_is_compared():
    rank_1, precision = compare_with_expected(made_up_report(**OFFICIAL), expected())
    assert (rank_1.metric, rank_1.reached, rank_1.reproduced) == ("rank_1", METHOD.rank_1, True)
    assert not precision.reproduced
    assert precision.sentence() == (
        "mean_average_precision: expected 60.00 ± 0.50, reached 50.50: not reproduced"
    )


def test_the_tolerance_counts_both_ways():
    assert Reproduction("rank_1", 90, 90.5, 0.5).reproduced
    assert not Reproduction("rank_1", 90, 90.51, 0.5).reproduced
    assert not Reproduction("rank_1", 90, 89.49, 0.5).reproduced


@pytest.mark.parametrize(
    "changes",
    [
        {"gallery_includes_query": False},
        {"average_precision": "mars"},
        {"frames": "fast"},
        {"queries": "every tracklet"},
        {"same_camera": "keep"},
        {"rerank": "k-reciprocal"},
        {"query_expansion": 2},
    ],
)
def test_another_protocol_is_not_compared(changes):
    report = made_up_report(**{**OFFICIAL, **changes})
    with pytest.raises(ValueError, match="expected the protocol of the recipe, .* in the same way"):
        compare_with_expected(report, expected())


def test_another_number_of_splits_is_not_compared():
    ten = {"gallery_includes_query": True, "splits": 10}
    with pytest.raises(ValueError, match="over 1 splits; evaluate in the same way"):
        compare_with_expected(made_up_report(**OFFICIAL), expected(protocol=ten))


def test_full_features_are_needed():
    with pytest.raises(ValueError, match=r"expected features 'full' .* received \['student'\]"):
        compare_with_expected(made_up_report(methods={"student": METHOD}, **OFFICIAL), expected())


def test_held_out_identities_are_a_protocol_of_their_own():
    held_out = {"queries": "every tracklet", "frames": "dense", "validation_identities": 60}
    recipe = expected(protocol={"gallery_includes_query": True, "validation_identities": 60})
    rank_1, _ = compare_with_expected(made_up_report(**held_out), recipe)
    assert rank_1.reproduced
    for other in ({**held_out, "validation_identities": 50}, OFFICIAL):
        with pytest.raises(ValueError, match="expected the protocol of the recipe"):
            compare_with_expected(made_up_report(**other), recipe)
    with pytest.raises(ValueError, match="expected the protocol of the recipe"):
        compare_with_expected(made_up_report(**held_out), expected())
