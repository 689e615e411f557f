import pytest

from model.stored_gate import Measured
from training.export.engine_store import EngineDescription, keep_engine, kept_engine

DESCRIPTION = EngineDescription(
    model="tiny 1", fingerprint="f" * 64, graph_sha256="a" * 64, gpu="Made Up 9 sm90",
    tensorrt="10.13.0", precision="fp16", batch_sizes=(1, 2),
    engine_sha256="8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4",
    least_cosine=0.999, measured=Measured(least_cosine=1.0, mean_average_precision=50.0),
)  # fmt: skip


def test_round_trip(tmp_path):
    folder = tmp_path / "engines/one"
    keep_engine(folder, b"hi", DESCRIPTION)
    assert kept_engine(folder) == b"hi"


@pytest.mark.parametrize("name", ["model.engine", "engine.json"])
def test_what_is_not_whole_is_not_there(tmp_path, name):
    keep_engine(tmp_path, b"hi", DESCRIPTION)
    (tmp_path / name).write_bytes(b"{}")
    assert kept_engine(tmp_path) is None
    (tmp_path / name).unlink()
    assert kept_engine(tmp_path) is None
