"""The two programs that train and judge: a learning curve, and variants within one budget."""

import json

import pytest
import yaml

from benchmarks import learning_curve, training_variants
from benchmarks.held_out_identities import judge_held_out
from tests.tiny_models import TINY_CNN, TINY_TRANSFORMER
from training.config import load_config
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501
from training.export.card_results import AblationRow, CurvePoint


@pytest.fixture(scope="module")
def drawn_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn") / "market"
    world = SyntheticWorld(seed=1, identities=6, cameras=3, height=64, width=32)
    write_market1501(world, root, frames=2)
    return root / "bounding_box_train"


@pytest.fixture
def config(tmp_path, drawn_root):
    path = tmp_path / "config.yaml"
    model = {"kind": "dcct", "cnn": TINY_CNN, "transformer": TINY_TRANSFORMER}
    content = {
        "run_dir": str(tmp_path / "run"),
        "data": {"name": "market1501", "root": str(drawn_root), "validation_identities": 2},
        "model": {**model, "spatial": "gap", "temporal": "tap", "height": 64, "width": 32},
        "clips": {"frames": 1, "identities": 2, "tracklets": 2, "workers": 0},
        "optimizer": {"epochs": 1, "steps_per_epoch": 5},
        "checkpoint_every_steps": 100,
    }
    path.write_text(yaml.safe_dump(content))
    return path


def printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_curve_has_a_point_each_so_many_steps_and_at_the_end(config, capsys):
    learning_curve.main([str(config), "--every", "2"])
    points = printed(capsys)
    assert [point["step"] for point in points] == [2, 4, 5]
    assert points == [CurvePoint.model_validate(point).model_dump() for point in points]
    minutes = [point["minutes"] for point in points]
    assert 0 < minutes[0] < minutes[1] < minutes[2]
    settings = load_config(config)
    reached = judge_held_out(settings.run_dir / "weights.safetensors", settings)
    assert points[-1]["mean_average_precision"] == reached.mean_average_precision
    assert points[-1]["rank_1"] == reached.rank_1


def test_a_curve_goes_on_with_the_points_it_had(config, capsys):
    settings = load_config(config)
    with learning_curve.Progress(disable=True) as progress:
        first = next(learning_curve.learning_curve(settings, 2, progress))
    learning_curve.main([str(config), "--every", "2"])
    points = printed(capsys)
    assert [point["step"] for point in points] == [2, 4, 5]
    assert points[0] == learning_curve.asdict(first)
    learning_curve.main([str(config), "--every", "2"])
    assert printed(capsys) == points


def test_a_run_that_was_trained_already_is_judged_where_it_stands_and_so_is_its_start(
    config, tmp_path, capsys
):
    settings = load_config(config)
    with learning_curve.Progress(disable=True) as progress:
        learning_curve.train_run(settings, progress, stop_after_steps=3)
        start = settings.run_dir / "weights.safetensors"
        onward = settings.model_copy(update={"run_dir": tmp_path / "on", "initial_weights": start})
        learning_curve.train_run(onward, progress, stop_after_steps=3)
        points = list(learning_curve.learning_curve(onward, 4, progress))
    assert [point.step for point in points] == [0, 3, 4, 5]
    assert points[0].mean_average_precision == judge_held_out(start, onward).mean_average_precision
    assert points[0].minutes == 0


def test_nobody_held_out_is_nobody_to_judge_on(config):
    settings = load_config(config, ["data.validation_identities=0"])
    with pytest.raises(
        ValueError,
        match=r"expected .* data\.validation_identities, received one that holds nobody out; set",
    ):
        judge_held_out(settings.run_dir / "weights.safetensors", settings)


@pytest.fixture
def variants(config, tmp_path):
    path = tmp_path / "variants.yaml"
    content = {
        "config": config.name,
        "steps": 2,
        "run_dir": str(tmp_path / "variants"),
        "changes": ["seed=3"],
        "variants": [
            {"name": "as it is", "folder": "plain"},
            {
                "name": "half the triplet loss",
                "folder": "alone",
                "changes": ["losses.triplet.weight=0.5"],
            },
        ],
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_every_variant_has_the_same_budget_and_its_own_changes(variants, tmp_path, capsys):
    training_variants.main([str(variants)])
    rows = printed(capsys)
    assert rows == [AblationRow.model_validate(row).model_dump() for row in rows]
    assert [(row["name"], row["budget"]) for row in rows] == [
        ("as it is", "2 steps of 4 frames, 64×32"),
        ("half the triplet loss", "2 steps of 4 frames, 64×32"),
    ]
    runs = [
        json.loads((tmp_path / "variants" / folder / "config.json").read_text())
        for folder in ("plain", "alone")
    ]
    assert [run["seed"] for run in runs] == [3, 3]
    assert [run["losses"]["triplet"]["weight"] for run in runs] == [1.0, 0.5]
    logs = sorted((tmp_path / "variants").rglob("steps.jsonl"))
    assert [len(log.read_text().splitlines()) for log in logs] == [2, 2]
    training_variants.main([str(variants)])
    assert printed(capsys) == rows


@pytest.mark.parametrize("content", ["variants: []", "- 1", "{", "config: a\nsteps: 0"])
def test_a_file_that_names_no_variants_is_refused(tmp_path, content):
    path = tmp_path / "variants.yaml"
    path.write_text(content)
    with pytest.raises(
        ValueError,
        match=r"(?s)expected config, steps, run_dir and variants in .*, received: .*; see",
    ):
        training_variants.read_variants(path)


def test_the_shipped_variants_change_what_their_names_say():
    path = training_variants.Path("training/configs/market-light.variants.yaml")
    compared = training_variants.read_variants(path)
    configs = {
        variant.folder: load_config(
            path.parent / compared.config, (*compared.changes, *variant.changes)
        )
        for variant in compared.variants
    }
    assert configs["alone"].losses.teacher is None
    led = configs["teacher-leads"]
    stage = load_config(
        training_variants.Path("training/configs/market-light-teacher-256x128.yaml")
    )
    assert led.losses == stage.losses
    assert configs["without-drawn"].data.drawn is None
    assert configs["without-drawn"].losses == led.losses
    assert configs["plainer"].augmentation.erasing == 0
    assert not configs["plainer"].augmentation.colour
    assert configs["plainer"].losses == led.losses
