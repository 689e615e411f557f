import json
import logging

import pytest

from service.inference import known_plans
from service.inference.candidate_plans import InferenceChoice
from service.inference.graph import ProviderError
from service.inference.known_plans import KnownPlans
from service.inference.plan_choice import ChosenPlan
from service.inference.startup_probe import Measured
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import graph_of, plan_of

ANY = InferenceChoice()
CHOSEN = ChosenPlan(
    plan_of(),
    (
        Measured(plan=plan_of(), items_per_s=12.5, cosine=0.99995),
        Measured(plan=plan_of(provider="openvino"), refused="cosine 0.9"),
    ),
)
CPU = "processor : 0\nmodel name : Made Up 9\nflags : fpu avx2\nprocessor : 1\nflags : other\n"


@pytest.fixture
def graph(tmp_path):
    return graph_of(tmp_path, write_tiny_artifact(tmp_path))


@pytest.fixture
def machine(tmp_path):
    """The file that describes a CPU."""
    path = tmp_path / "cpuinfo"
    path.write_text(CPU)
    return path


@pytest.fixture
def known(tmp_path, machine):
    return KnownPlans(tmp_path / "plans", cpu_description=machine)


def files(tmp_path):
    return sorted((tmp_path / "plans").iterdir())


def test_what_was_kept_is_recalled_by_another_process(tmp_path, machine, known, graph):
    assert known.recall(graph, ANY) is None
    known.keep(graph, ANY, CHOSEN)
    again = KnownPlans(tmp_path / "plans", cpu_description=machine)
    assert again.recall(graph, ANY) == CHOSEN
    (file,) = files(tmp_path)
    assert json.loads(file.read_text())["machine"]["cpu"].startswith("Made Up 9 ")


def test_another_model_is_measured_anew(tmp_path, known, graph):
    known.keep(graph, ANY, CHOSEN)
    other = tmp_path / "other"
    assert known.recall(graph_of(other, write_tiny_artifact(other, seed=5)), ANY) is None


@pytest.mark.parametrize("line", ["model name : Made Up 8", "flags : fpu avx2 avx512_bf16"])
def test_another_cpu_is_measured_anew(known, graph, machine, line):
    known.keep(graph, ANY, CHOSEN)
    name = line.split(" :")[0]
    lines = [line if old.startswith(name) else old for old in CPU.splitlines()]
    machine.write_text("\n".join(lines))
    assert known.recall(graph, ANY) is None


def test_cores_that_come_and_go_are_measured_anew(known, graph, monkeypatch):
    monkeypatch.setattr(known_plans, "usable_cores", lambda: 2)
    known.keep(graph, ANY, CHOSEN)
    monkeypatch.setattr(known_plans, "usable_cores", lambda: 3)
    assert known.recall(graph, ANY) is None


@pytest.mark.parametrize("package", ["onnxruntime", "openvino"])
def test_another_version_of_a_runtime_is_measured_anew(known, graph, monkeypatch, package):
    known.keep(graph, ANY, CHOSEN)
    if package == "onnxruntime":
        monkeypatch.setattr(known_plans.onnxruntime, "__version__", "0.1")
    else:
        monkeypatch.setattr(known_plans, "version", lambda package: "0.1")
    assert known.recall(graph, ANY) is None


def test_another_gpu_is_measured_anew(known, graph, monkeypatch):
    def none():
        raise ProviderError("no driver")

    monkeypatch.setattr(known_plans, "gpu_names", none)
    known.keep(graph, ANY, CHOSEN)
    assert known.recall(graph, ANY) == CHOSEN
    monkeypatch.setattr(known_plans, "gpu_names", lambda: ["made up"])
    assert known.recall(graph, ANY) is None


@pytest.mark.parametrize(
    "stated",
    [
        {"provider": "cpu"},
        {"precision": "fp32"},
        {"lanes": 1},
        {"threads": 1},
        {"largest_batch": 2},
        {"batch_sizes": (1, 2)},
    ],
)
def test_other_settings_are_measured_anew(known, graph, stated):
    known.keep(graph, ANY, CHOSEN)
    assert known.recall(graph, InferenceChoice(**stated)) is None


@pytest.mark.parametrize("content", ["", "{", "{}", '{"machine": {}, "plan": {}, "measured": []}'])
def test_a_file_that_was_damaged_is_told_and_measured_anew(tmp_path, known, graph, caplog, content):
    known.keep(graph, ANY, CHOSEN)
    files(tmp_path)[0].write_text(content)
    with caplog.at_level(logging.WARNING):
        assert known.recall(graph, ANY) is None
    assert [record.getMessage() for record in caplog.records] == ["known_plan_unreadable"]
    known.keep(graph, ANY, CHOSEN)
    assert known.recall(graph, ANY) == CHOSEN


def test_a_file_under_the_right_name_of_another_machine_is_not_believed(tmp_path, known, graph):
    known.keep(graph, ANY, CHOSEN)
    (file,) = files(tmp_path)
    text = json.loads(file.read_text())
    text["machine"]["cores"] = "77"
    file.write_text(json.dumps(text))
    assert known.recall(graph, ANY) is None


def test_a_directory_that_cannot_be_written_costs_the_next_start_a_measurement(
    tmp_path, machine, graph, caplog
):
    (tmp_path / "file").write_text("not a directory")
    known = KnownPlans(tmp_path / "file", cpu_description=machine)
    with caplog.at_level(logging.WARNING):
        known.keep(graph, ANY, CHOSEN)
    assert [record.getMessage() for record in caplog.records] == ["plan_not_kept"]


def test_a_system_that_does_not_describe_its_cpu_is_one_kind_of_machine(tmp_path, graph):
    known = KnownPlans(tmp_path / "plans", cpu_description=tmp_path / "nowhere")
    known.keep(graph, ANY, CHOSEN)
    assert known.recall(graph, ANY) == CHOSEN
