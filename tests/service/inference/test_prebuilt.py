import pytest

from service.inference.engine import Engine
from service.inference.prebuilt import prebuilt
from service.settings import Settings
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import unheard


def test_lanes_are_closed_also_when_the_golden_clip_is_not_reproduced(tmp_path, monkeypatch):
    write_tiny_artifact(tmp_path / "artifact")
    settings = Settings(
        artifact_dir=tmp_path / "artifact", data_dir=tmp_path / "data", inference_provider="cpu"
    )
    closed = []
    monkeypatch.setattr(Engine, "close", lambda self: closed.append(1))

    def fails(self, artifact, warmup, report):
        raise RuntimeError("no parity")

    prebuilt(settings, unheard, anew=False)
    monkeypatch.setattr(Engine, "prove", fails)
    with pytest.raises(RuntimeError, match="no parity"):
        prebuilt(settings, unheard, anew=False)
    assert len(closed) == 2


def test_every_size_is_run_whatever_the_service_warms(tmp_path):
    write_tiny_artifact(tmp_path / "artifact")
    told = []
    settings = Settings(
        artifact_dir=tmp_path / "artifact",
        data_dir=tmp_path / "data",
        inference_provider="cpu",
        max_batch_frames=3,
        warmup="off",
    )
    prebuilt(settings, told.append, anew=False)
    assert told[-3:] == [f"warming up: batch size {number} of 3" for number in (1, 2, 3)]
