import json

import pytest

from benchmarks.http_load import Answer, Load
from benchmarks.resident_memory import MemoryCurve
from benchmarks.soak import _seen, main, problem_of
from tests.artifact_factory import write_tiny_artifact


def test_a_short_soak_gives_every_figure(tmp_path, capsys):
    write_tiny_artifact(tmp_path / "artifact")
    main(["--artifact", str(tmp_path / "artifact"), "--minutes", "0.1", "--trial-seconds", "0.5"])
    soak = json.loads(capsys.readouterr().out)
    assert soak["minutes"] == 0.1
    assert soak["settled_after_min"] == pytest.approx(0.1 / 6, abs=1e-3)
    assert set(soak["statuses"]) <= {"200", "201", "422", "429"}
    assert soak["statuses"]["200"] > soak["statuses"]["201"] > 0
    assert soak["statuses"]["422"] > 0
    assert soak["offered_per_s"] > 0
    assert soak["service_cores"] > 0
    assert soak["p99_ms"] >= soak["p50_ms"] > 0
    assert all(megabytes > 10 for megabytes in soak["resident_mb"])
    assert isinstance(soak["slope_mb_per_min"], float)


@pytest.mark.parametrize(
    ("status", "unanswered", "is_well"),
    [(500, 0, False), (404, 0, False), (504, 0, False), (200, 1, False), (429, 0, True)],
)
def test_a_service_that_fails_under_the_soak_gives_its_figures_and_a_problem(
    status, unanswered, is_well
):
    load = Load(0, 1, [Answer(200, 0.5, 0.1), Answer(status, 0.5, 0.1)], timed_out=unanswered)
    memory = MemoryCurve([0, 30, 60], [1, 1, 1])
    soak = _seen(load, memory, minutes=1, offered_per_s=1, cores=1)
    problem = problem_of(soak)
    assert soak.unanswered == unanswered
    assert soak.statuses[str(status)] >= 1
    assert (problem is None) == is_well
    if problem is not None:
        assert problem.startswith("expected answers of 200, 201, 422, 429 alone, received {'200':")
        assert f"{unanswered} without an answer; look into the service's log" in problem
