"""Rates are told here and not measured, so that every choice has one right answer."""

import onnxruntime
import pytest

from service.inference import plan_choice
from service.inference.artifact import open_artifact
from service.inference.candidate_plans import InferenceChoice
from service.inference.graph import ProviderError
from service.inference.plan_choice import PlanChoice
from service.inference.startup_probe import Measured
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import graph_of


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Two cores, bf16, no GPU; `rates` by what plans begin with, the slowest by default."""
    write_tiny_artifact(tmp_path)
    artifact = open_artifact(tmp_path)
    rates, tried, told = {}, [], []

    def measure(of, graph, plans, engine_dir):
        tried.extend(str(plan) for plan in plans)
        return [measured(plan) for plan in plans]

    def measured(plan):
        rate = next((rates[start] for start in rates if str(plan).startswith(start)), 1.0)
        if isinstance(rate, str):
            return Measured(plan=plan, refused=rate)
        return Measured(plan=plan, items_per_s=rate, cosine=1.0)

    monkeypatch.setattr(plan_choice, "measure", measure)
    monkeypatch.setattr(plan_choice, "usable_cores", lambda: 2)
    monkeypatch.setattr(plan_choice, "reduced_precisions", lambda: ["bf16"])

    def best(**stated):
        choice = InferenceChoice(**stated)
        graph = graph_of(tmp_path, artifact.manifest)
        chosen = PlanChoice(artifact, graph, choice, engine_dir=tmp_path, report=told.append).best()
        assert [str(one.plan) for one in chosen.measured] == tried
        return str(chosen.plan)

    best.rates, best.tried, best.told = rates, tried, told
    return best


def test_where_all_are_alike_many_lanes_of_the_graphs_own_runtime_serve(machine):
    assert machine() == "cpu fp32, 2 x 1 threads, batches of 4"
    assert machine.tried == [
        "cpu fp32, 2 x 1 threads, batches of 4",
        "cpu fp32, 1 x 2 threads, batches of 4",
        "openvino fp32, 2 x 1 threads, batches of 4",
        "openvino fp32, 1 x 2 threads, batches of 4",
        "openvino bf16, 2 x 1 threads, batches of 4",
        "openvino bf16, 1 x 2 threads, batches of 4",
        "cpu fp32, 2 x 1 threads, batches of 4",
        "cpu fp32, 2 x 1 threads, batches of 8",
    ]
    assert machine.told == [f"measuring {plan}" for plan in machine.tried[:7]]


@pytest.mark.parametrize(("rate", "chosen"), [(1.04, "cpu"), (1.06, "openvino")])
def test_another_runtime_has_to_win_by_more_than_noise(machine, rate, chosen):
    machine.rates["openvino fp32, 1 x 2"] = rate
    assert machine().startswith(chosen)


def test_the_fastest_of_all_serves(machine):
    machine.rates.update({"openvino fp32": 1.5, "openvino bf16, 1 x 2": 2.0})
    assert machine() == "openvino bf16, 1 x 2 threads, batches of 4"


def test_what_does_not_hold_parity_never_serves(machine):
    machine.rates.update({"openvino bf16": "cosine 0.9", "openvino fp32": 1.5})
    assert machine().startswith("openvino fp32")


@pytest.mark.parametrize(("rate", "batch"), [(1.04, 4), (1.06, 8)])
def test_larger_batches_have_to_win_as_well(machine, rate, batch):
    machine.rates["cpu fp32, 2 x 1 threads, batches of 8"] = rate
    assert machine().endswith(f"batches of {batch}")


def test_batches_that_fail_leave_the_plan_as_it_was(machine):
    machine.rates["cpu fp32, 2 x 1 threads, batches of 8"] = "no memory"
    assert machine() == "cpu fp32, 2 x 1 threads, batches of 4"


def test_nothing_else_is_tried_for_a_model_that_waits_for_its_frames(machine):
    machine.rates.update({"cpu fp32, 1 x 2": 5000.0, "openvino": 9000.0})
    assert machine().startswith("cpu fp32, 1 x 2")
    assert not any(plan.startswith("openvino") for plan in machine.tried)


def test_when_it_takes_too_long_what_is_known_decides(machine, monkeypatch):
    monkeypatch.setattr(plan_choice, "_LONGEST_S", -1.0)
    machine.rates.update({"cpu fp32, 2 x 1": "no memory", "openvino": 9.0})
    assert machine().startswith("cpu fp32, 1 x 2")
    assert not any(plan.startswith("openvino") for plan in machine.tried)


def test_stated_runtime_is_tried_alone(machine):
    machine.rates["cpu"] = 9.0
    assert machine(provider="openvino", precision="fp32").startswith("openvino fp32")
    assert all(plan.startswith("openvino fp32") for plan in machine.tried)


def test_stated_precision_is_found_where_it_is_offered(machine):
    assert machine(precision="bf16").startswith("openvino bf16")
    assert not any(plan.startswith("cpu") for plan in machine.tried)


def test_precision_that_nothing_offers_is_refused(machine):
    with pytest.raises(ProviderError, match="expected cpu to compute in tf32, received one that"):
        machine(precision="tf32")


def test_where_the_settings_leave_nothing_open_nothing_is_measured(machine):
    stated = {"lanes": 3, "threads": 2, "largest_batch": 2}
    assert machine(provider="cpu", **stated) == "cpu fp32, 3 x 2 threads, batches of 2"
    plan = machine(provider="openvino", precision="bf16", **stated)
    assert plan == "openvino bf16, 3 x 2 threads, batches of 2"
    assert machine.tried == machine.told == []


def test_nothing_that_serves_is_told_with_every_reason_once(machine, tmp_path):
    machine.rates.update({"cpu": "no cpu", "openvino fp32": "no vino", "openvino bf16": "no cpu"})
    with pytest.raises(ProviderError) as refused:
        machine()
    assert str(refused.value) == (
        f"expected one way to run {tmp_path / 'graph.onnx'} here, received none "
        "(no cpu; no vino); do as the reasons say, or change REID_INFERENCE_PROVIDER or "
        "REID_INFERENCE_PRECISION"
    )


@pytest.fixture
def with_gpus(machine, monkeypatch):
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPU"]
    )
    monkeypatch.setattr(plan_choice, "gpu_names", lambda: ["made up", "made up"])
    return machine


def test_a_gpu_is_taken_before_any_cpu_with_one_lane_on_each(with_gpus):
    with_gpus.rates["cpu"] = 9000.0
    assert with_gpus() == "cuda tf32, 2 x 1 threads, batches of 128"
    assert len(with_gpus.tried) == 1


def test_the_fastest_precision_of_a_gpu_that_holds_parity(with_gpus):
    with_gpus.rates["tensorrt fp16"] = "cosine 0.99"
    assert with_gpus(provider="tensorrt") == "tensorrt fp32, 2 x 1 threads, batches of 128"


def test_a_stated_gpu_that_cannot_serve_is_an_error_and_an_automatic_one_is_passed_over(with_gpus):
    with_gpus.rates["cuda"] = "no libraries"
    with pytest.raises(ProviderError, match=r"received none \(no libraries\); do as"):
        with_gpus(provider="cuda")
    with_gpus.tried.clear()
    assert with_gpus().startswith("cpu fp32")


def test_a_build_for_gpus_without_a_driver_serves_on_the_cpu(with_gpus, monkeypatch):
    def none():
        raise ProviderError("no driver")

    monkeypatch.setattr(plan_choice, "gpu_names", none)
    assert with_gpus().startswith("cpu fp32")
    with pytest.raises(ProviderError, match="no driver"):
        with_gpus(provider="cuda")
