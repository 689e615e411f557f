"""Options of a run that only a whole run can show to work."""

import functools
import json
import threading

import pytest
import torch
from PIL import Image
from rich.progress import Progress
from safetensors.torch import load_file

from tests.tiny_models import tiny_dcct
from training.data.tracklet import Tracklet
from training.run_log import STEPS_FILE
from training.trainer import Trainer


def fit(config, tracklets, **options):
    with Progress(disable=True) as progress:
        return Trainer(config, tracklets).fit(progress, **options)


def losses(config):
    lines = (config.run_dir / STEPS_FILE).read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_the_moving_average_survives_an_interruption(small_config, drawn_tracklets):
    """With fp16, whose scale, and a frozen start, whose end, must survive too."""
    whole, cut = (
        small_config(
            name,
            model=tiny_dcct(spatial="gap", temporal="tap"),
            precision="fp16",
            freezing={"modules": ["cnn"], "epochs": 1},
            optimizer={
                "name": "adamw", "epochs": 2, "steps_per_epoch": 3, "average_decay": 0.9,
            },
        )
        for name in ("whole", "cut")
    )  # fmt: skip
    expected = load_file(fit(whole, drawn_tracklets))
    last = torch.load(whole.run_dir / "checkpoint.pt", weights_only=True)
    fit(cut, drawn_tracklets, stop_after_steps=3)
    received = load_file(fit(cut, drawn_tracklets))
    resumed = torch.load(cut.run_dir / "checkpoint.pt", weights_only=True)
    assert all(torch.equal(received[name], tensor) for name, tensor in expected.items())
    assert losses(whole) == losses(cut)
    assert last["average"]["updates"] == resumed["average"]["updates"] > 0
    assert last["scaler"] == resumed["scaler"]
    assert any(not torch.equal(tensor, last["network"][name]) for name, tensor in expected.items())


def test_a_compiled_run_computes_what_a_plain_one_does(small_config, drawn_tracklets, monkeypatch):
    """The graphs are captured and then run as they are: code for a CPU would take minutes."""
    compiled = functools.partial(torch.compile, backend="eager")
    calls = []

    def compile_eagerly(function, **options):
        calls.append(options)
        return compiled(function)

    monkeypatch.setattr("torch.compile", compile_eagerly)
    plain, fast = (
        small_config(name, model=tiny_dcct(spatial="gap", temporal="tap"), compile=wanted)
        for name, wanted in (("plain", False), ("fast", True))
    )
    expected = load_file(fit(plain, drawn_tracklets, stop_after_steps=2))
    assert calls == []
    received = load_file(fit(fast, drawn_tracklets, stop_after_steps=2))
    assert calls == [{}]
    assert losses(fast) == pytest.approx(losses(plain), rel=1e-4)
    assert received.keys() == expected.keys()


def test_a_corrupt_frame_ends_the_run_by_name_and_leaves_no_thread(
    small_config, drawn_tracklets, tmp_path
):
    corrupt = tmp_path / "corrupt.jpg"
    Image.new("RGB", (32, 64)).save(corrupt)
    corrupt.write_bytes(corrupt.read_bytes()[:200])
    broken = [
        Tracklet(one.name, one.identity, one.camera, (corrupt,)) for one in drawn_tracklets[:3]
    ]
    config = small_config(clips={"frames": 2, "identities": 6, "tracklets": 2, "workers": 2})
    with pytest.raises(ValueError, match="expected a whole image at .*corrupt.jpg") as caught:
        fit(config, [*broken, *drawn_tracklets[3:]])
    # The error is held here, and with it the frames that it passed through.
    assert caught.value
    assert not [one for one in threading.enumerate() if one.name.startswith("clips")]


def test_an_error_in_a_step_leaves_no_thread(small_config, drawn_tracklets, monkeypatch):
    def fail(*_arguments, **_options):
        raise FloatingPointError("a loss")

    monkeypatch.setattr(Trainer, "train_step", fail)
    with pytest.raises(FloatingPointError, match="a loss") as caught:
        fit(small_config(), drawn_tracklets)
    assert caught.value
    assert not [one for one in threading.enumerate() if one.name.startswith("clips")]
