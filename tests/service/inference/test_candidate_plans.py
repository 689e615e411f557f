import pytest

from service.inference.candidate_plans import (
    GPU_BATCHES,
    InferenceChoice,
    cpu_plans,
    gpu_plans,
    larger_batches,
)
from service.inference.graph import ProviderError


def layouts(cores, **stated):
    plans = cpu_plans(InferenceChoice(**stated), "cpu", ["fp32"], unit="frame", cores=cores)
    return [(plan.lanes, plan.threads) for plan in plans]


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (1, [(1, 1)]),
        (2, [(2, 1), (1, 2)]),
        (4, [(4, 1), (2, 2), (1, 4)]),
        (16, [(16, 1), (8, 2), (4, 4), (1, 16)]),
    ],
)
def test_every_layout_uses_all_cores_and_many_lanes_come_first(cores, expected):
    assert layouts(cores) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"lanes": 3, "threads": 2}, [(3, 2)]),
        ({"lanes": 3}, [(3, 2)]),
        ({"lanes": 99}, [(99, 1)]),
        ({"threads": 3}, [(2, 3)]),
        ({"threads": 99}, [(1, 99)]),
    ],
)
def test_what_is_stated_is_kept(stated, expected):
    assert layouts(7, **stated) == expected


@pytest.mark.parametrize(
    ("unit", "stated", "sizes"),
    [
        ("frame", {}, (1, 2, 3, 4)),
        ("clip", {}, (1,)),
        ("frame", {"largest_batch": 6}, (1, 2, 3, 4, 5, 6)),
        ("frame", {"batch_sizes": (2, 5)}, (2, 5)),
    ],
)
def test_cpus_are_given_batches_of_every_size(unit, stated, sizes):
    choice = InferenceChoice(**stated)
    (plan,) = cpu_plans(choice, "cpu", ["fp32"], unit=unit, cores=1)
    assert plan.batch_sizes == sizes


def test_larger_batches_are_tried_unless_they_are_stated():
    (plan,) = cpu_plans(InferenceChoice(), "cpu", ["fp32"], unit="frame", cores=1)
    tried = larger_batches(InferenceChoice(), plan, "frame")
    assert [one.batch_sizes for one in tried] == [tuple(range(1, 5)), tuple(range(1, 9))]
    assert larger_batches(InferenceChoice(largest_batch=4), plan, "frame") == []
    assert larger_batches(InferenceChoice(batch_sizes=(4,)), plan, "frame") == []


def test_every_offered_precision_is_tried_and_a_stated_one_alone():
    offered = ["fp32", "bf16"]
    plans = cpu_plans(InferenceChoice(), "openvino", offered, unit="frame", cores=1)
    assert [plan.precision for plan in plans] == offered
    stated = InferenceChoice(precision="bf16")
    (plan,) = cpu_plans(stated, "openvino", offered, unit="frame", cores=1)
    assert plan.precision == "bf16"


def test_precision_that_is_not_offered_is_refused():
    with pytest.raises(ProviderError) as refused:
        cpu_plans(InferenceChoice(precision="bf16"), "cpu", ["fp32"], unit="frame", cores=1)
    assert str(refused.value) == (
        "expected cpu to compute in bf16, received one that offers fp32 for this graph here; "
        "change REID_INFERENCE_PRECISION"
    )


@pytest.mark.parametrize(
    ("provider", "precision", "own", "expected"),
    [
        ("cuda", "auto", "fp32", ["tf32", "fp32"]),
        ("cuda", "fp32", "fp32", ["fp32"]),
        ("cuda", "auto", "fp16", ["fp16"]),
        ("tensorrt", "auto", "fp32", ["fp16", "fp32"]),
        ("tensorrt", "bf16", "fp32", ["bf16"]),
        ("tensorrt", "auto", "int8", ["int8"]),
    ],
)
def test_precisions_of_gpus_the_fastest_first(provider, precision, own, expected):
    choice = InferenceChoice(precision=precision)
    plans = gpu_plans(choice, provider, own, unit="frame", devices=2)
    assert [plan.precision for plan in plans] == expected
    assert {(plan.lanes, plan.threads) for plan in plans} == {(2, 1)}


@pytest.mark.parametrize(
    ("stated", "sizes"),
    [
        ({}, GPU_BATCHES["frame"]),
        ({"largest_batch": 20}, (8, 16, 20)),
        ({"largest_batch": 4}, (4,)),
        ({"batch_sizes": (1, 100)}, (1, 100)),
    ],
)
def test_gpus_are_given_few_sizes(stated, sizes):
    plans = gpu_plans(InferenceChoice(**stated), "cuda", "fp32", unit="frame", devices=1)
    assert {plan.batch_sizes for plan in plans} == {sizes}


def test_more_lanes_than_gpus_are_refused():
    with pytest.raises(ProviderError) as refused:
        gpu_plans(InferenceChoice(lanes=3), "cuda", "fp32", unit="frame", devices=2)
    assert str(refused.value) == (
        "expected 3 GPUs for as many lanes, received 2; "
        "lower REID_INFERENCE_LANES, or unset it to use all"
    )
