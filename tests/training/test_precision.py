import pytest
import torch
from torch import nn
from torch.optim import SGD

from training.precision import Precision


def parts(name):
    layer = nn.Linear(2, 1, bias=False)
    nn.init.ones_(layer.weight)
    return Precision(name, torch.device("cpu")), layer, SGD(layer.parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)],
)
def test_forward_passes_compute_in_the_named_format(name, dtype):
    precision, layer, _ = parts(name)
    with precision.autocast():
        assert layer(torch.ones(1, 2)).dtype == dtype


@pytest.mark.parametrize("name", ["fp32", "fp16"])
def test_the_scale_does_not_reach_the_update(name):
    precision, layer, optimizer = parts(name)
    precision.backward(layer(torch.ones(1, 2)).sum())
    precision.unscale(optimizer)
    assert torch.equal(layer.weight.grad, torch.ones(1, 2))
    assert precision.update(optimizer)
    torch.testing.assert_close(layer.weight, torch.full((1, 2), 0.9))


def test_an_overflow_moves_nothing_and_halves_the_scale():
    precision, layer, optimizer = parts("fp16")
    precision.backward(layer(torch.ones(1, 2)).sum())
    scale = precision.fields()["loss_scale"]
    layer.weight.grad.fill_(torch.inf)
    precision.unscale(optimizer)
    assert not precision.update(optimizer)
    assert torch.equal(layer.weight, torch.ones(1, 2))
    assert precision.fields() == {"loss_scale": scale / 2}


def test_overflow_at_any_scale_ends_the_run():
    precision, layer, optimizer = parts("fp16")
    precision.scaler.load_state_dict({**precision.scaler.state_dict(), "scale": 1.0})
    precision.backward(layer(torch.ones(1, 2)).sum())
    layer.weight.grad.fill_(torch.inf)
    precision.unscale(optimizer)
    with pytest.raises(FloatingPointError, match="overflow at a loss scale of 1; set precision to"):
        precision.update(optimizer)


def test_only_fp16_tells_of_a_scale():
    assert parts("bf16")[0].fields() == {}
