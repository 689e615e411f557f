import pytest

from model.registry import build_model
from model.related.temporal_pooling import TemporalPoolingConfig
from tests.tiny_models import TINY_CNN, tiny_dcct
from training.evaluation.feature_groups import default_features, feature_parts

ALL = ("cnn", "transformer", "cca_cnn", "cca_transformer", "final")


@pytest.fixture(scope="module")
def dcct():
    return build_model(tiny_dcct())


@pytest.fixture(scope="module")
def pooling():
    return build_model(TemporalPoolingConfig(backbone=TINY_CNN, height=64, width=32))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("full", ALL),
        ("student", ALL[:2]),
        ("cnn", ("cnn",)),
        ("cca", ALL[2:4]),
        ("final", ("final",)),
        ("student+final", ("cnn", "transformer", "final")),
    ],
)
def test_names_stand_for_parts(dcct, name, parts):
    assert feature_parts(dcct, [name]) == {name: parts}


def test_the_student_is_shown_beside_a_model_that_is_more(dcct, pooling):
    assert default_features(dcct) == ("full", "student")
    assert default_features(build_model(tiny_dcct(spatial="gap", temporal="tap"))) == ("full",)
    assert default_features(pooling) == ("full",)


def test_parts_that_are_not_computed_cannot_be_asked_for(pooling):
    with pytest.raises(ValueError, match=r"expected features of \['full', 'frame'\], .*'student'"):
        feature_parts(pooling, ["student"])
    base = build_model(tiny_dcct(embedding=("base",)))
    with pytest.raises(ValueError, match="received 'final', which dcct of .* does not make"):
        feature_parts(base, ["final"])


def test_no_part_counts_twice(dcct):
    with pytest.raises(ValueError, match="expected every part once in features 'full\\+final'"):
        feature_parts(dcct, ["full+final"])
