from pathlib import Path

import pytest
import yaml

from model.manifest import file_digest
from tests.evaluation_reports import made_up_report
from tests.small_models import small_student
from training.export.description import load_card, load_report, network_in_words

CARD = {"name": "a", "version": "1", "data": "b", "data_licence": "c", "training": "d"}


def test_the_shipped_card_loads():
    assert load_card(Path("training/configs/market-light.card.yaml")).name == "dcct-light"


@pytest.mark.parametrize(
    "change", [{"name": None}, {"surprise": 1}, {"version": 1.0}], ids=["null", "extra", "number"]
)
def test_a_card_with_a_wrong_field_is_refused(tmp_path, change):
    path = tmp_path / "card.yaml"
    path.write_text(yaml.safe_dump(CARD | change))
    with pytest.raises(ValueError, match="(?s)expected a card with .* see training/configs"):
        load_card(path)


def test_what_a_card_needs_and_may_have_is_said(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text("name: a")
    told = (
        r"(?s)expected a card with \['data', 'data_licence', 'name', 'training', 'version'\], and "
        r"perhaps \['not_for', 'results', 'teacher'\], in .*"
    )
    with pytest.raises(ValueError, match=told):
        load_card(path)


def test_the_network_is_named_with_where_its_weights_began():
    drawn = network_in_words(small_student())
    assert "mobilenetv2_100 and deit_tiny_patch16_224 at 64×32" in " ".join(drawn.split())
    assert drawn.endswith("; initial weights: random")
    assert network_in_words(small_student(pretrained=True)).endswith("ImageNet, through timm")
    of_a_file = small_student(cnn_weights="lup/resnet50.safetensors")
    assert network_in_words(of_a_file).endswith("; initial weights: resnet50.safetensors")


def test_a_missing_card_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a card with"):
        load_card(tmp_path / "none.yaml")


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"weights")
    return path


def test_a_report_comes_back(tmp_path, description, weights):
    path = tmp_path / "report.json"
    report = made_up_report(weights_sha256=file_digest(weights).sha256)
    path.write_text(report.model_dump_json())
    assert load_report(path, weights=weights) == report


def test_a_report_about_other_weights_is_refused(tmp_path, description, weights):
    path = tmp_path / "report.json"
    path.write_text(description.report.model_dump_json())
    with pytest.raises(ValueError, match="expected results of .* run the evaluation again"):
        load_report(path, weights=weights)


def test_a_report_without_the_model_is_refused(tmp_path, description, weights):
    path = tmp_path / "report.json"
    methods = {"HSV histogram": description.report.splits[0].methods["HSV histogram"]}
    path.write_text(made_up_report(methods=methods).model_dump_json())
    with pytest.raises(ValueError, match=r"received \['HSV histogram'\]; run the evaluation again"):
        load_report(path, weights=weights)


def test_a_report_about_several_splits_is_refused(tmp_path, description, weights):
    path = tmp_path / "report.json"
    report = description.report
    path.write_text(report.model_copy(update={"splits": report.splits * 2}).model_dump_json())
    with pytest.raises(ValueError, match="expected results of one split in .* received 2; evaluat"):
        load_report(path, weights=weights)


def test_something_else_is_no_report(tmp_path, weights):
    path = tmp_path / "report.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="expected the output of `reid-train evaluate --json`"):
        load_report(path, weights=weights)
