import json

from typer.testing import CliRunner

from tests.tiny_models import tiny_dcct
from training.__main__ import app
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501


def test_everything_is_tried_with_everything_on_and_nothing_is_left(
    small_config, tmp_path, monkeypatch
):
    """fp16, pieces, moving average, layer-wise rates, freezing and TensorBoard at once."""
    config = small_config(
        model=tiny_dcct(clip_frames=2),
        losses={"distillation": {}},
        precision="fp16",
        tensorboard=True,
        freezing={"modules": ["transformer"], "epochs": 1},
        optimizer={"name": "adam", "accumulate": 2, "layer_decay": 0.9, "average_decay": 0.9},
    )
    path = tmp_path / "config.yaml"
    path.write_text(config.model_dump_json())
    kept = tmp_path / "temporary"
    kept.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(kept))
    arguments = ["train", str(path), "--fast-dev-run", "--json", "--set", "clips.frames=3"]
    finished = CliRunner().invoke(app, arguments)
    assert finished.exit_code == 0, finished.output
    summary = json.loads(finished.stdout)
    assert summary["steps"] == 2
    assert summary["exported"] == "moving average"
    assert summary["last_step"]["loss_scale"] > 0
    assert list(kept.iterdir()) == []
    assert not config.run_dir.exists()


def test_what_is_broken_is_found(small_config, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(small_config().model_dump_json())
    arguments = ["train", str(path), "--fast-dev-run", "--set", "clips.identities=100"]
    finished = CliRunner().invoke(app, arguments)
    assert finished.exit_code == 1
    assert "expected at least 100 identities" in " ".join(finished.stderr.split())


def test_one_camera_and_one_tracklet_of_everyone_are_enough(small_config, tmp_path):
    world = SyntheticWorld(seed=1, identities=4, cameras=1, height=64, width=32)
    write_market1501(world, tmp_path / "people", frames=2)
    path = tmp_path / "config.yaml"
    path.write_text(small_config().model_dump_json())
    arguments = ["train", str(path), "--fast-dev-run", "--root"]
    finished = CliRunner().invoke(app, [*arguments, str(tmp_path / "people/bounding_box_train")])
    assert finished.exit_code == 0, finished.output
