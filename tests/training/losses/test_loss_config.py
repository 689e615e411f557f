import pytest
from pydantic import ValidationError

from training.losses.loss_config import LossConfig


def test_options_are_off_by_default():
    config = LossConfig()
    assert (config.circle, config.centre, config.distillation, config.grl) == (None,) * 4
    assert config.label_smoothing == 0
    assert (config.triplet.weight, config.triplet.margin) == (1.0, 0.3)
    assert (config.triplet.distance, config.triplet.before_neck) == ("cosine", False)


@pytest.mark.parametrize(
    "given",
    [
        {"label_smoothing": 0.1},
        {"triplet": None},
        {"circle": {}},
        {"centre": {}},
        {"distillation": {}},
        {"unsupervised_parts": ["low"]},
        {"identity_weight": 2},
    ],
    ids=lambda given: next(iter(given)),
)
def test_grls_objective_refuses_what_it_would_ignore(given):
    with pytest.raises(
        ValidationError,
        match=rf"losses.grl alone, .* received \['{next(iter(given))}'\] too; they would be "
        "ignored: remove them",
    ):
        LossConfig(grl={}, **given)


def test_grls_objective_takes_others_at_their_defaults():
    """As a configuration has them that extends another."""
    assert LossConfig(grl={}, distillation=None, label_smoothing=0.0).grl is not None


@pytest.mark.parametrize("margin", [-0.1, "hard"])
def test_a_margin_is_a_distance_or_soft(margin):
    with pytest.raises(ValidationError, match="triplet.margin"):
        LossConfig(triplet={"margin": margin})
