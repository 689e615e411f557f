import itertools
import json
import math

import pytest

from model.calibration import Calibration
from model.manifest import ArtifactError, load_manifest
from tests.artifact_factory import write_tiny_artifact
from tests.made_up_calibration import calibrate_artifact, made_up_calibration, made_up_threshold


def test_it_comes_back_from_a_manifest_as_it_was_written(tmp_path):
    write_tiny_artifact(tmp_path)
    calibrate_artifact(tmp_path, made_up_calibration())
    assert load_manifest(tmp_path).calibration == made_up_calibration()


def test_an_edited_threshold_is_refused(tmp_path):
    write_tiny_artifact(tmp_path)
    calibrate_artifact(tmp_path, made_up_calibration())
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"similarity": 0.6,', '"similarity": 0.61,'))
    with pytest.raises(ArtifactError, match="it was edited after it was written"):
        load_manifest(tmp_path)


def test_probability_rises_with_similarity_and_never_overflows():
    probability = made_up_calibration().probability
    similarities = [-1.0, -0.5, 0.0, 0.4, 0.5, 0.6, 1.0]
    found = [probability.at(one) for one in similarities]
    assert all(low < high for low, high in itertools.pairwise(found))
    assert probability.at(0.5) == 0.5
    assert probability.at(0.6) == pytest.approx(1 / (1 + math.exp(-1)))
    steep = probability.model_copy(update={"slope": 1e5, "intercept": 0.0})
    assert (steep.at(-1), steep.at(1)) == (0, 1)


def test_thresholds_are_found_by_their_exact_rate():
    calibration = made_up_calibration()
    assert calibration.rates() == (1e-2, 1e-3, 1e-4)
    found = calibration.threshold(1e-3)
    assert found is not None
    assert found.similarity == 0.6
    assert calibration.threshold(0.02) is None


@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        (((1e-3, 0.6), (1e-2, 0.7)), "expected thresholds by falling false-accept rate, received "),
        (((1e-2, 0.5), (1e-2, 0.5)), "expected thresholds by falling false-accept rate, received "),
        (((1e-2, 0.6), (1e-3, 0.5)), "expected thresholds that do not fall with the false-accept"),
        (((1e-2, 1.01),), "less than or equal to 1"),
        (((0.0, 0.5),), "greater than 0"),
        ((), "at least 1 item"),
    ],
)
def test_thresholds_that_contradict_each_other_are_refused(rates, reason):
    with pytest.raises(ValueError, match=reason):
        made_up_calibration(thresholds=tuple(made_up_threshold(*each) for each in rates))


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("probability", "slope", 0.0),
        ("probability", "slope", math.inf),
        ("probability", "intercept", math.nan),
        ("probability", "brier", math.nan),
        ("lead", "similarity", -0.01),
        ("lead", "precision", math.nan),
        ("searches", "gallery_tracklets", 0),
        ("searches", "known_share", 1.0),
    ],
)
def test_numbers_that_mean_nothing_are_refused_by_name(section, field, value):
    fields = made_up_calibration().model_dump()
    fields[section][field] = value
    with pytest.raises(ValueError, match=rf"{section}\.{field}"):
        Calibration.model_validate(fields)


def test_an_unknown_key_is_refused():
    fields = json.loads(made_up_calibration().model_dump_json())
    with pytest.raises(ValueError, match="Extra inputs"):
        Calibration.model_validate(fields | {"tresholds": []})
