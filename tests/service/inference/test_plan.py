import pytest
from pydantic import ValidationError

from tests.inference_parts import plan_of


@pytest.mark.parametrize("sizes", [(), (2, 1), (1, 1)])
def test_batch_sizes_ascend(sizes):
    with pytest.raises(ValidationError, match=r"expected ascending batch sizes, received \["):
        plan_of(batch_sizes=sizes)


def test_plan_in_words():
    plan = plan_of(provider="openvino", precision="bf16", lanes=4, threads=2, batch_sizes=(1, 8))
    assert str(plan) == "openvino bf16, 4 x 2 threads, batches of 8"


@pytest.mark.parametrize(
    ("provider", "on_gpu"),
    [("cpu", False), ("openvino", False), ("cuda", True), ("tensorrt", True)],
)
def test_only_gpus_leave_the_cores_free(provider, on_gpu):
    assert plan_of(provider=provider).on_gpu is on_gpu
