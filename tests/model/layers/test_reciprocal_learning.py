import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from model.layers.reciprocal_learning import (
    MemoryUpdate,
    ReciprocalDirection,
    TemporalReciprocalLearning,
)
from tests.gradient_probe import backward_through, untaught_parameters
from tests.network_laws import enliven_norm


def lively(module):
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            enliven_norm(child)
    return module.double().eval()


@pytest.fixture
def learning():
    torch.manual_seed(0)
    return lively(TemporalReciprocalLearning(32))


@pytest.fixture
def high():
    return torch.randn(3, 4, 32, 4, 2, generator=torch.Generator().manual_seed(1)).double()


@pytest.fixture
def low():
    return torch.randn(3, 4, 32, 4, 2, generator=torch.Generator().manual_seed(2)).double()


def naive_direction(direction, high, low, order):
    """E by frame, and f_l: the equations, one frame after the other."""
    memory = low.mean(1)
    enhanced = {}
    for t in order:
        remembered = functional.relu(direction.view_memory(memory))
        novelty = (remembered - functional.relu(direction.view_frame(high[:, t]))) ** 2
        gates = direction.squeeze(novelty.mean((2, 3))).relu()
        weights = direction.excite(gates).sigmoid()[:, :, None, None]
        enhanced[t] = (high[:, t] * (1 + weights)).mean((2, 3))
        memory = direction.absorb(memory + low[:, t])
    return torch.stack([enhanced[t] for t in sorted(enhanced)], 1), memory.mean((2, 3))


@pytest.mark.parametrize("training", [False, True])
def test_it_equals_the_loop_over_frames_in_both_directions(learning, high, low, training):
    reference = copy.deepcopy(learning).train(training)
    received = learning.train(training)(high, low)
    first = naive_direction(reference.forwards, high, low, range(4))
    last = naive_direction(reference.backwards, high, low, reversed(range(4)))
    torch.testing.assert_close(received.high, first[0] + last[0])
    torch.testing.assert_close(received.low, first[1] + last[1])
    torch.testing.assert_close(dict(learning.state_dict()), dict(reference.state_dict()))


def test_a_frame_meets_the_memory_from_before_it(learning, high, low):
    """Exchanging the low content of frames 2 and 3 keeps the first memory, their mean."""
    exchanged = low[:, [0, 1, 3, 2]]
    before = learning.forwards(high, low).high
    after = learning.forwards(high, exchanged).high
    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert (after[:, 3] - before[:, 3]).abs().max() > 1e-6


def test_the_order_of_frames_matters(learning, high, low):
    order = [1, 0, 2, 3]
    straight, swapped = learning(high, low), learning(high[:, order], low[:, order])
    assert (swapped.high[:, order] - straight.high).abs().max() > 1e-6
    assert (swapped.low - straight.low).abs().max() > 1e-6


def test_with_equal_directions_reversing_the_clip_reverses_the_frames(learning, high, low):
    learning.backwards.load_state_dict(learning.forwards.state_dict())
    straight, reversed_ = learning(high, low), learning(high.flip(1), low.flip(1))
    torch.testing.assert_close(reversed_.high.flip(1), straight.high)
    torch.testing.assert_close(reversed_.low, straight.low)


def test_directions_have_weights_of_their_own(learning, high, low):
    straight, reversed_ = learning(high, low), learning(high.flip(1), low.flip(1))
    assert (reversed_.low - straight.low).abs().max() > 1e-6


def test_without_novelty_every_frame_is_enhanced_alike(learning, high, low):
    """Equal views of frame and memory: w = σ(0) = ½ in each direction."""
    for direction in (learning.forwards, learning.backwards):
        for view in (direction.view_memory, direction.view_frame):
            nn.init.zeros_(view.weight)
            nn.init.zeros_(view.bias)
    torch.testing.assert_close(learning(high, low).high, 2 * 1.5 * high.mean((3, 4)))


def test_an_idle_memory_update_adds_the_frames_up():
    direction = lively(ReciprocalDirection(32))
    nn.init.zeros_(direction.absorb.bottleneck[-1].weight)
    nn.init.zeros_(direction.absorb.bottleneck[-1].bias)
    low = torch.rand(2, 3, 32, 4, 2).double()  # positive, so that ReLU keeps everything
    expected = (low.mean(1) + low.sum(1)).mean((2, 3))
    torch.testing.assert_close(direction(low, low).low, expected)


def test_the_memory_update_is_a_rectified_residual_bottleneck():
    update = lively(MemoryUpdate(32))
    memory = torch.randn(2, 32, 4, 2).double()
    torch.testing.assert_close(update(memory), (memory + update.bottleneck(memory)).relu())
    kinds = [type(layer).__name__ for layer in update.bottleneck]
    conv = ["Conv2d", "BatchNorm2d"]
    assert kinds == [*conv, "ReLU", *conv, "ReLU", *conv]
    assert all(layer.bias is None for layer in update.bottleneck[::3])


def test_a_batch_equals_its_clips(learning, high, low):
    together = learning(high, low)
    alone = [learning(high[i : i + 1], low[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together.high, torch.cat([one.high for one in alone]))
    torch.testing.assert_close(together.low, torch.cat([one.low for one in alone]))


def test_parameters_at_the_width_of_a_resnet50():
    with torch.device("meta"):
        module = TemporalReciprocalLearning(2048)
    assert sum(p.numel() for p in module.parameters()) == 22_564_864


def test_training_teaches_every_parameter(learning, high, low):
    backward_through(learning.train()(high, low))
    assert untaught_parameters(learning, noise=1e-12) == []
