import json

import pytest

from benchmarks import serving_load
from benchmarks.http_load import Answer, Load
from benchmarks.serving import main
from benchmarks.serving_throughput import require_only_good
from tests.artifact_factory import write_tiny_artifact

ASKED_FOR = {
    "batcher_ratio_64", "batcher_added_ms_1", "http_ratio", "null_model_crops_per_s",
    "overload_goodput_ratio", "healthz_p99_ms", "vs_plain_fastapi", "vs_litserve",
}  # fmt: skip


def test_one_run_gives_every_figure(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(serving_load, "TURNS", 2)
    monkeypatch.setattr(serving_load, "_FILLING_S", 0.5)
    write_tiny_artifact(tmp_path / "artifact")
    main(
        [
            "--artifact", str(tmp_path / "artifact"), "--seconds", "1", "--rounds", "1",
            "--clients", "4", "--deadline-s", "20", "--json",
        ]
    )  # fmt: skip
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= ASKED_FOR
    assert figures["http_ratio"] == pytest.approx(
        figures["http_frames_per_s"] / figures["raw_frames_per_s"], abs=1e-3
    )
    assert figures["vs_litserve"] == pytest.approx(
        figures["http_frames_per_s"] / figures["litserve_frames_per_s"], rel=1e-2
    )
    assert 0 < figures["decode_ms"] < 1000
    assert figures["http_auto_runs"].startswith("onnxruntime/CPUExecutionProvider ")
    assert figures["overload_offered_per_s"] > 0
    assert figures["peak_tracklets_per_s"] > 0
    assert figures["overload_goodput_per_s"] > 0
    assert figures["overload_unanswered"] == 0
    assert 0 <= figures["overload_refused_share"] < 1
    assert len(figures["overload_goodput_ratios"]) == 2
    assert figures["bare_round_trip_ms"] > 0
    assert figures["half_load_p99_ms"] >= figures["half_load_p50_ms"] > 0
    assert figures["healthz_p99_ms"] >= figures["healthz_p50_ms"] > 0
    assert 0 < figures["client_cores"] < 1
    assert figures["frames_per_tracklet"] == 8


@pytest.mark.parametrize(
    ("answers", "lost", "message"),
    [
        ([Answer(200, 0.5, 0.1), Answer(429, 0.5, 0.1)], 0, "expected only answers of status 200"),
        ([Answer(200, 0.5, 0.1)], 1, "and 1 without an answer; lower --clients"),
        ([Answer(200, 1.5, 0.1)], 0, "expected answers in 1 s, received none; measure for longer"),
    ],
)
def test_a_throughput_of_failures_is_no_figure(answers, lost, message):
    with pytest.raises(RuntimeError, match=message):
        require_only_good(Load(0, 1, answers, lost=lost))
