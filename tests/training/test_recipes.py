"""Every shipped configuration is whole: what it says is used, and what it promises is printed."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from tests.shipped_configs import SHIPPED_CONFIGS
from training.config import TrainingConfig, load_config
from training.layered_yaml import read_layered_yaml

RECIPES = sorted(Path("training/configs/recipes").glob("*.yaml"))

# mAP, rank-1 and rank-5 as the papers print them (spec §2.5, §3.4, Tables II and III).
PRINTED = {
    ("dcct", "mars"): (87.5, 92.3, None),
    ("dcct", "dukev"): (97.6, 98.4, None),
    ("dcct", "ilids-vid"): (None, 91.7, 98.6),
    ("dcct", "prid2011"): (None, 96.8, 99.7),
    ("grl", "mars"): (84.8, 91.0, None),
    ("nvan", "mars"): (82.8, 90.0, None),
    ("ste-nvan", "mars"): (81.2, 88.9, None),
    ("ste-nvan", "dukev"): (93.5, 95.2, None),
}
DATA = {
    "mars": "mars",
    "dukev": "dukemtmcvidreid",
    "ilids-vid": "ilidsvid",
    "prid2011": "prid2011",
}


def named(path):
    model, data, source = re.fullmatch(
        r"(.*?)-(mars|dukev|ilids-vid|prid2011)-(paper|reference)", path.stem
    ).groups()
    return model, data, source


def test_the_papers_and_the_references_recipe_are_there_for_all_four_data_sets():
    there = {named(path) for path in RECIPES}
    assert {("dcct", data, source) for data in DATA for source in ("paper", "reference")} <= there
    assert {(model, data) for model, data, _ in there} == set(PRINTED)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_what_its_name_says(path):
    model, data, source = named(path)
    config = load_config(path)
    assert config.run_dir == Path("runs/recipes") / path.stem
    assert (config.model.kind, config.data.name) == (model, DATA[data])
    assert config.data.validation_identities == 0
    assert source in ("paper", "reference")
    expected = config.expected
    assert (expected.mean_average_precision, expected.rank_1, expected.rank_5) == PRINTED[
        model, data
    ]
    assert not expected.measured_here
    assert expected.protocol.gallery_includes_query == (data in ("mars", "dukev"))
    assert expected.protocol.splits == (10 if data in ("ilids-vid", "prid2011") else 1)
    assert (config.data.split is not None) == (expected.protocol.splits > 1)


def test_the_papers_recipe_is_sgd_for_fifty_epochs():
    for path in RECIPES:
        model, _, source = named(path)
        if (model, source) == ("dcct", "paper"):
            config = load_config(path)
            optimizer = config.optimizer
            assert (optimizer.name, optimizer.epochs, optimizer.step_epochs) == ("sgd", 50, 15)
            assert (config.clips.identities, config.clips.tracklets) == (8, 2)
            assert config.losses.distillation.temperature == 1.0


def test_the_references_recipe_is_adam_with_a_warm_up_of_ten_epochs():
    for path in RECIPES:
        model, _, source = named(path)
        if (model, source) == ("dcct", "reference"):
            config = load_config(path)
            optimizer = config.optimizer
            assert (optimizer.name, optimizer.epochs, optimizer.step_factor) == ("adam", 400, 0.3)
            assert optimizer.warmup_steps == 10 * optimizer.steps_per_epoch
            assert config.losses.distillation.temperature == 0.3


@pytest.mark.parametrize("path", SHIPPED_CONFIGS, ids=lambda path: path.stem)
def test_no_section_of_a_shipped_configuration_takes_an_unknown_key(path):
    content = read_layered_yaml(path)
    TrainingConfig.model_validate(content)
    for section in sections(content):
        section["unheard_of"] = 1
        with pytest.raises(ValidationError, match="unheard_of"):
            TrainingConfig.model_validate(content)
        del section["unheard_of"]


def sections(content):
    """Every mapping within a mapping, itself included."""
    yield content
    for value in content.values():
        if isinstance(value, dict):
            yield from sections(value)


def test_every_key_is_read_somewhere():
    """A key that nothing reads is a promise that nothing keeps; `expected` is for people."""
    code = "\n".join(
        path.read_text() for path in Path("training").rglob("*.py") if "config" not in path.name
    )
    unread = [
        f"{section.__name__}.{name}"
        for section in config_sections(TrainingConfig)
        for name in section.model_fields
        if section.__module__.startswith("training")
        and not section.__name__.startswith("Expected")
        and not re.search(rf"\.{name}\b", code)
    ]
    assert [key for key in unread if key != "TrainingConfig.expected"] == []


def config_sections(section):
    """Every section that can be part of a configuration."""
    found = {section: None}
    for field in section.model_fields.values():
        for kind in kinds_in(field.annotation):
            found |= dict.fromkeys(config_sections(kind))
    return list(found)


def kinds_in(annotation):
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [kind for part in getattr(annotation, "__args__", ()) for kind in kinds_in(part)]
