import dataclasses

import numpy as np
import pytest

from service.inference import startup_probe
from service.inference.artifact import open_artifact
from service.inference.startup_probe import batch_of, measure
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import drawn_frames, graph_of, plan_of


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path)
    return open_artifact(tmp_path)


def measured(artifact, *plans):
    graph = graph_of(artifact.directory, artifact.manifest)
    return measure(artifact, graph, plans, artifact.directory)


class Sleeps:
    """A lane whose every batch takes as long; it says when it is closed."""

    name, precision = "made/up", "fp32"

    def __init__(self, run_s, features):
        self._run_s = run_s
        self._features = features
        self.closed = False

    def run(self, items):
        startup_probe.time.sleep(self._run_s)
        return self._features(items)

    def close(self):
        self.closed = True


@pytest.mark.parametrize("provider", ["cpu", "openvino"])
def test_real_runtimes_are_measured_at_several_batch_sizes(artifact, provider):
    plans = [plan_of(provider=provider, lanes=2, batch_sizes=(1, size)) for size in (2, 4)]
    results = measured(artifact, *plans)
    assert [one.plan for one in results] == plans
    for one in results:
        assert one.refused is None
        assert one.items_per_s > 100
        assert one.cosine == pytest.approx(1, abs=1e-4)


def test_rate_is_that_of_all_lanes_together(artifact, monkeypatch):
    (real,) = startup_probe.open_lanes(
        graph_of(artifact.directory, artifact.manifest), plan_of(), artifact.directory
    )
    lanes = [Sleeps(0.02, real.run) for _ in range(3)]
    monkeypatch.setattr(startup_probe, "open_lanes", lambda *given: lanes)
    (one,) = measured(artifact, plan_of(lanes=3))
    assert 3 * 2 / 0.02 * 0.3 < one.items_per_s <= 3 * 2 / 0.02
    assert all(lane.closed for lane in lanes)


def test_a_plan_that_cannot_be_opened_is_refused_and_not_raised(artifact):
    (one,) = measured(artifact, plan_of(provider="cuda"))
    assert one.items_per_s is None
    assert one.cosine is None
    assert one.refused.startswith("expected NVIDIA's driver") or "CUDA" in one.refused


def test_a_plan_that_does_not_hold_parity_is_refused(artifact):
    other = dataclasses.replace(artifact, golden_clip=drawn_frames(4, seed=99))
    (one,) = measured(other, plan_of())
    assert one.items_per_s is None
    assert "to reproduce its golden clip" in one.refused


def test_a_batch_that_fails_spoils_its_own_plan_alone(artifact, monkeypatch):
    (real,) = startup_probe.open_lanes(
        graph_of(artifact.directory, artifact.manifest), plan_of(), artifact.directory
    )

    def small_only(items):
        if len(items) > 2:
            raise RuntimeError("too many")
        return real.run(items)

    lane = Sleeps(0.0, small_only)
    monkeypatch.setattr(startup_probe, "open_lanes", lambda *given: [lane])
    small, large = measured(artifact, plan_of(), plan_of(batch_sizes=(1, 8)))
    assert small.refused is None
    assert "too many" in large.refused
    assert lane.closed


@pytest.mark.parametrize(("unit", "shape"), [("frame", ()), ("clip", (4,))])
def test_batches_are_made_of_the_golden_clip_from_the_first_on(tmp_path, unit, shape):
    write_tiny_artifact(tmp_path, unit=unit)
    artifact = open_artifact(tmp_path)
    batch = batch_of(artifact, 6)
    assert batch.shape == (6, *shape, 64, 32, 3)
    if unit == "frame":
        np.testing.assert_array_equal(batch[4:], artifact.golden_clip[:2])
