import json
from pathlib import Path

import pytest
import yaml

from benchmarks import ablation_ladder
from benchmarks.ablation_ladder import CONFIGS, PEOPLE, PRETRAINING, RUNGS, Outcome, summarize
from tests.tiny_models import TINY_CNN, TINY_TRANSFORMER
from training.config import load_config


def test_rungs_add_one_component_each_and_share_everything_else():
    configs = {rung: load_config(CONFIGS / f"{rung}.yaml") for rung in RUNGS}
    built = {
        rung: (config.model.spatial, config.model.temporal, config.losses.distillation is not None)
        for rung, config in configs.items()
    }
    assert built == {
        "coupled": ("gap", "tap", False),
        "cca": ("cca", "tap", False),
        "hta": ("cca", "hta", False),
        "kd": ("cca", "hta", True),
    }
    shared = {
        config.model_copy(
            update={
                "run_dir": Path(),
                "model": config.model.model_copy(update={"spatial": "gap", "temporal": "tap"}),
                "losses": config.losses.model_copy(update={"distillation": None}),
                "expected": None,
            }
        ).model_dump_json()
        for config in configs.values()
    }
    assert len(shared) == 1


@pytest.mark.parametrize("name", [PRETRAINING, "kd"])
def test_the_command_in_a_configuration_draws_the_same_people(name):
    path = CONFIGS / f"{name}.yaml"
    text = " ".join(line.lstrip("# \\") for line in path.read_text().splitlines())
    words = text.replace("\\", " ").split()
    people = PEOPLE[name]
    for option, value in (
        ("--seed", people.seed),
        ("--identities", people.identities),
        ("--cameras", people.cameras),
        ("--frames", people.frames),
    ):
        assert words[words.index(option) + 1] == str(value)
    root = str(load_config(path).data.root.parent)
    assert words[words.index("synthesize") + 1] == root


def test_spread_is_over_seeds_of_one_feature_of_one_rung():
    outcomes = [
        Outcome("coupled", 0, "full", 70.0, 60.0),
        Outcome("coupled", 1, "full", 74.0, 66.0),
        Outcome("kd", 0, "full", 75.0, 70.0),
        Outcome("kd", 0, "student", 71.0, 65.0),
    ]
    rows = summarize(outcomes)
    assert [(row.rung, row.feature, row.seeds) for row in rows] == [
        ("coupled", "full", 2),
        ("kd", "full", 1),
        ("kd", "student", 1),
    ]
    assert rows[0].rank_1 == 72.0
    assert rows[0].rank_1_std == pytest.approx(8**0.5)
    assert rows[0].mean_average_precision_std == pytest.approx(18**0.5)
    assert rows[1].rank_1_std == 0.0


@pytest.fixture
def small_ladder(tmp_path, monkeypatch):
    """The shipped rungs, over networks and people that take seconds."""
    few = ablation_ladder.People(seed=7, identities=6, cameras=2, frames=2)
    monkeypatch.setattr(ablation_ladder, "PEOPLE", dict.fromkeys(PEOPLE, few))
    for path in CONFIGS.glob("*.yaml"):
        content = yaml.safe_load(path.read_text())
        content["run_dir"] = str(tmp_path / path.stem)
        if "data" in content:
            content["data"]["root"] = str(tmp_path / "people" / "bounding_box_train")
            content["data"]["validation_identities"] = 0 if path.stem == PRETRAINING else 2
            content["clips"] = {"frames": 2, "identities": 2, "tracklets": 2}
            content["optimizer"]["steps_per_epoch"] = 1
            weights = str(tmp_path / PRETRAINING / "weights.safetensors")
            small = {"cnn": TINY_CNN, "transformer": TINY_TRANSFORMER, "cnn_last_stride": "auto"}
            if path.stem != PRETRAINING:
                small |= {"cnn_weights": weights, "transformer_weights": weights}
            content["model"] |= {**small, "clip_frames": 2}
        (tmp_path / path.name).write_text(yaml.safe_dump(content))
    return tmp_path


def test_one_command_climbs_every_rung_and_does_nothing_twice(small_ladder, capsys):
    arguments = ["--seeds", "1", "--configs", str(small_ladder), "--json"]
    ablation_ladder.main(arguments)
    first = json.loads(capsys.readouterr().out)
    assert [(row["rung"], row["feature"]) for row in first["rows"]] == [
        ("coupled", "full"),
        ("cca", "full"),
        ("cca", "student"),
        ("hta", "full"),
        ("hta", "student"),
        ("kd", "full"),
        ("kd", "student"),
    ]
    assert all(0 <= row["rank_1"] <= 100 for row in first["rows"])
    checkpoints = {path: path.read_bytes() for path in small_ladder.rglob("checkpoint*")}
    assert len(checkpoints) >= 5
    ablation_ladder.main(arguments)
    assert json.loads(capsys.readouterr().out) == first
    assert all(path.read_bytes() == content for path, content in checkpoints.items())
