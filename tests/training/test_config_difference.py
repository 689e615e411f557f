from typing import get_args

from training.config import TrainingConfig
from training.config_difference import WITHOUT_EFFECT, config_difference


def test_a_configuration_does_not_differ_from_itself():
    content = {"seed": 0, "losses": {"distillation": None}, "clips": {}}
    assert config_difference(content, content) == []


def test_every_changed_key_is_named_with_both_values():
    before = {"seed": 0, "optimizer": {"name": "sgd", "epochs": 50}, "model": {"cca": {"order": 1}}}
    after = {"seed": 1, "optimizer": {"name": "sgd", "epochs": 60}, "model": {"cca": {"order": 2}}}
    assert config_difference(before, after) == [
        "model.cca.order: 1 → 2",
        "optimizer.epochs: 50 → 60",
        "seed: 0 → 1",
    ]


def test_sections_that_come_and_go_are_named():
    before = {"losses": {"distillation": None}, "freezing": {"epochs": 1}}
    after = {"losses": {"distillation": {"temperature": 1.0}}, "freezing": None}
    assert config_difference(before, after) == [
        "freezing: absent → None",
        "freezing.epochs: 1 → absent",
        "losses.distillation: None → absent",
        "losses.distillation.temperature: absent → 1.0",
    ]


def test_a_number_is_not_its_text():
    assert config_difference({"seed": 1}, {"seed": "1"}) == ["seed: 1 → '1'"]


def test_what_moves_files_or_workers_does_not_count():
    before = {"run_dir": "a", "data": {"root": "b", "name": "mars"}, "clips": {"workers": 0}}
    after = {"run_dir": "c", "data": {"root": "d", "name": "mars"}, "clips": {"workers": 2}}
    assert config_difference(before, after) == []
    assert config_difference({"expected": {"rank_1": 1}}, {"expected": None}) == []
    assert config_difference({"data": {"name": "a"}}, {"data": {"name": "b"}}) != []


def test_keys_without_effect_exist():
    for key in WITHOUT_EFFECT:
        section = TrainingConfig
        for name in key.split("."):
            section = section.model_fields[name].annotation
            section = next(iter(get_args(section)), section)  # of a tuple of sections, the section


def test_every_place_of_a_list_of_sections_counts_by_itself():
    before = {"data": {"also": [{"name": "mars", "root": "a"}, {"name": "mars", "root": "b"}]}}
    after = {"data": {"also": [{"name": "mars", "root": "c"}, {"name": "lsvid", "root": "d"}]}}
    assert config_difference(before, after) == ["data.also.1.name: 'mars' → 'lsvid'"]
    assert config_difference(before, {"data": {"also": []}}) != []
