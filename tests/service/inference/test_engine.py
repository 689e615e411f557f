import pytest

from model.manifest import ArtifactError
from service.inference import engine as engine_module
from service.inference.artifact import open_artifact
from service.inference.candidate_plans import InferenceChoice
from service.inference.engine import engine_dir_of, inference_choice, open_engine
from service.inference.plan_choice import PlanChoice
from service.settings import Settings
from tests.artifact_factory import tiny_graph, write_tiny_artifact
from tests.inference_parts import unheard


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path / "artifact")
    return open_artifact(tmp_path / "artifact")


@pytest.fixture
def counted(monkeypatch):
    """How often a plan was chosen by measurement."""
    chosen = []
    best = PlanChoice.best
    monkeypatch.setattr(PlanChoice, "best", lambda self: chosen.append(1) or best(self))
    return chosen


def opened(artifact, tmp_path, *, anew=False, **settings):
    """On one runtime, and closed again."""
    chosen = Settings(data_dir=tmp_path / "data", inference_provider="cpu", **settings)
    engine = open_engine(artifact, chosen, unheard, anew=anew)
    engine.close()
    return engine


def test_the_second_start_measures_nothing(artifact, tmp_path, counted):
    first, second = opened(artifact, tmp_path), opened(artifact, tmp_path)
    assert (first.recalled, second.recalled) == (False, True)
    assert first.chosen == second.chosen
    assert first.chosen.measured
    assert len(counted) == 1


def test_what_is_known_can_be_measured_anew(artifact, tmp_path, counted):
    opened(artifact, tmp_path)
    assert not opened(artifact, tmp_path, anew=True).recalled
    assert len(counted) == 2


def test_a_plan_that_the_settings_state_whole_is_not_kept(artifact, tmp_path):
    engine = opened(artifact, tmp_path, inference_lanes=1, inference_threads=1, max_batch_frames=2)
    assert engine.chosen.measured == ()
    assert not (tmp_path / "data").exists()


def test_the_graph_is_verified_before_anything_runs_it(artifact, tmp_path, counted):
    artifact.graph.write_bytes(
        tiny_graph(height=64, width=32, seed=9).SerializeToString(deterministic=True)
    )
    with pytest.raises(ArtifactError, match="with sha256"):
        opened(artifact, tmp_path)
    assert counted == []


def test_every_lane_is_proved_and_the_least_cosine_is_told(artifact, tmp_path, monkeypatch):
    cosines = iter([0.9999, 0.99995])
    monkeypatch.setattr(engine_module, "reproduce_golden", lambda *given: next(cosines))
    engine = opened(artifact, tmp_path, inference_lanes=2, inference_threads=1, max_batch_frames=1)
    assert engine.prove(artifact, "off", unheard) == 0.9999


def test_all_lanes_are_closed(artifact, tmp_path, monkeypatch):
    engine = opened(artifact, tmp_path, inference_lanes=2)
    closed = []
    for lane in engine.lanes:
        monkeypatch.setattr(lane, "close", lambda: closed.append(1))
    engine.close()
    assert len(closed) == 2


def test_engines_are_kept_with_the_data_unless_a_directory_is_named(tmp_path):
    assert engine_dir_of(Settings(data_dir=tmp_path)) == tmp_path / "engines"
    assert engine_dir_of(Settings(engine_dir=tmp_path / "e")) == tmp_path / "e"


def test_the_settings_are_the_choice():
    stated = Settings(
        inference_provider="openvino",
        inference_precision="bf16",
        inference_lanes=3,
        inference_threads=2,
        max_batch_frames=8,
        batch_sizes=(4, 8),
    )
    assert inference_choice(stated) == InferenceChoice("openvino", "bf16", 3, 2, 8, (4, 8))
    assert inference_choice(Settings()) == InferenceChoice()
