import pytest

from benchmarks import serving_load
from benchmarks.serving_load import measure_loads
from benchmarks.serving_throughput import Contest
from tests.artifact_factory import write_tiny_artifact
from tests.encoded_frames import encoded_frame


def test_peak_half_of_it_and_twice_as_much(tmp_path, monkeypatch):
    monkeypatch.setattr(serving_load, "_FILLING_S", 0.3)
    monkeypatch.setattr(serving_load, "TURNS", 2)
    monkeypatch.setenv("REID_INFERENCE_LANES", "1")
    write_tiny_artifact(tmp_path / "artifact")
    tracklets = [[encoded_frame(seed, "JPEG") for seed in range(2)]]
    contest = Contest(tmp_path / "artifact", tracklets, clients=2, seconds=0.5, rounds=1)
    done = []
    loads = measure_loads(contest, deadline_s=2.0, done=done.append)
    assert done == ["peak", "half load", "peak", "overload", "peak", "overload"]
    assert 0 < loads.goodput_per_s <= loads.offered_per_s * 1.2
    assert loads.peak_per_s > 0
    assert loads.offered_per_s == pytest.approx(2 * loads.peak_per_s)
    assert len(loads.goodput_ratios) == 2
    ratio = loads.goodput_per_s / loads.peak_per_s
    assert min(loads.goodput_ratios) <= ratio <= max(loads.goodput_ratios)
    assert 0 < loads.half_load_p50_ms <= loads.half_load_p99_ms
    assert 0 < loads.healthz_p50_ms <= loads.healthz_p99_ms
    assert 0 <= loads.refused_share < 1
    assert 0 < loads.in_time_share <= 1
    assert loads.deadline_s == 2.0
