import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW

from training.optim import build_optimizer, build_schedule, clip_gradients
from training.optim_config import OptimizerConfig


class Network(nn.Module):
    """As much of a model as the optimiser looks at."""

    backbone_modules = ("cnn",)

    def __init__(self):
        super().__init__()
        self.cnn = nn.Linear(3, 3)
        self.cnn_gate = nn.Linear(3, 3)
        self.necks = nn.ModuleDict({"cnn": nn.BatchNorm1d(3)})
        self.necks["cnn"].bias.requires_grad = False


@pytest.fixture
def parts():
    return Network(), nn.Linear(3, 2, bias=False)


def rates(optimizer):
    return {id(p): g["lr"] for g in optimizer.param_groups for p in g["params"]}


@pytest.mark.parametrize(("name", "kind"), [("sgd", SGD), ("adamw", AdamW)])
def test_new_layers_learn_at_their_factor_and_frozen_ones_not_at_all(parts, name, kind):
    network, heads = parts
    config = OptimizerConfig(name=name, learning_rate=0.1, new_layer_factor=3)
    optimizer = build_optimizer(network, heads, config)
    assert isinstance(optimizer, kind)
    rate = rates(optimizer)
    assert rate[id(network.cnn.weight)] == rate[id(network.cnn.bias)] == 0.1
    assert rate[id(heads.weight)] == rate[id(network.necks["cnn"].weight)] == pytest.approx(0.3)
    assert rate[id(network.cnn_gate.weight)] == pytest.approx(0.3)
    assert rate[id(network.cnn_gate.bias)] == pytest.approx(0.3)
    assert id(network.necks["cnn"].bias) not in rate


def test_adamw_slows_wide_classifiers_down():
    config = OptimizerConfig(name="adamw", learning_rate=0.1, new_layer_factor=2)
    heads = nn.ModuleList([nn.Linear(1280, 5, bias=False), nn.Linear(192, 5, bias=False)])
    rate = rates(build_optimizer(Network(), heads, config))
    assert rate[id(heads[0].weight)] == pytest.approx(0.2 * 192 / 1280)
    assert rate[id(heads[1].weight)] == pytest.approx(0.2)


def test_adamw_does_not_decay_vectors(parts):
    network, heads = parts
    optimizer = build_optimizer(network, heads, OptimizerConfig(name="adamw", weight_decay=0.1))
    for group in optimizer.param_groups:
        assert group["weight_decay"] == (0.1 if group["params"][0].ndim > 1 else 0.0)


def test_adamw_takes_vectors_of_heads_at_the_full_rate_without_decay():
    heads = nn.Sequential(nn.Linear(1280, 4), nn.BatchNorm1d(4))
    config = OptimizerConfig(name="adamw", learning_rate=0.1, new_layer_factor=2, weight_decay=0.1)
    for group in build_optimizer(Network(), heads, config).param_groups:
        for parameter in group["params"]:
            if any(parameter is other for other in (heads[0].bias, *heads[1].parameters())):
                assert (group["lr"], group["weight_decay"]) == (pytest.approx(0.2), 0.0)


def test_sgd_is_nesterov_with_momentum(parts):
    group = build_optimizer(*parts, OptimizerConfig()).param_groups[0]
    assert group["nesterov"]
    assert group["momentum"] == 0.9


def schedule_of(config, steps):
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = build_schedule(optimizer, config, steps_per_epoch=10)
    values = []
    for _ in range(steps):
        values.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return values


def test_the_step_schedule_divides_every_so_many_epochs():
    values = schedule_of(OptimizerConfig(epochs=50, step_epochs=15), 500)
    assert values[0] == values[149] == 1.0
    assert values[150] == pytest.approx(0.1)
    assert values[300] == pytest.approx(0.01)


def test_the_cosine_schedule_warms_up_and_ends_near_zero():
    values = schedule_of(OptimizerConfig(epochs=10, schedule="cosine", warmup_steps=20), 100)
    assert values[:20] == pytest.approx([(i + 1) / 20 for i in range(20)])
    assert values[20] == pytest.approx(1.0)
    assert values[60] == pytest.approx(0.5)
    assert values[99] < 0.001
    assert values[20:] == sorted(values[20:], reverse=True)


def test_clipping_returns_the_norm_before_and_bounds_the_norm_after():
    weight = nn.Parameter(torch.zeros(4))
    weight.grad = torch.full((4,), 5.0)
    assert clip_gradients([weight], None) == pytest.approx(10)
    assert weight.grad.norm().item() == pytest.approx(10)
    assert clip_gradients([weight], 1.0) == pytest.approx(10)
    assert weight.grad.norm().item() == pytest.approx(1, rel=1e-4)


def test_adam_decays_all_parameters_alike(parts):
    optimizer = build_optimizer(*parts, OptimizerConfig(name="adam", weight_decay=0.1))
    assert type(optimizer) is Adam
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.1}


def test_warm_up_starts_from_its_part_of_the_rate():
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    config = OptimizerConfig(warmup_steps=4, warmup_start=0.2)
    schedule = build_schedule(optimizer, config, steps_per_epoch=10)
    rates = []
    for _ in range(5):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.4, 0.6, 0.8, 1.0, 1.0])
