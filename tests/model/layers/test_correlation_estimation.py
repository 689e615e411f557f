import pytest
import torch
from torch import nn
from torch.nn import functional

from model.layers.correlation_estimation import CorrelationEstimation
from tests.gradient_probe import backward_through, untaught_parameters
from tests.network_laws import enliven_norm


@pytest.fixture
def estimation():
    torch.manual_seed(0)
    module = CorrelationEstimation(32).double().eval()
    for child in module.modules():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            enliven_norm(child)
    return module


@pytest.fixture
def maps():
    return torch.randn(3, 4, 32, 4, 2, generator=torch.Generator().manual_seed(1)).double()


def test_it_is_the_formula_position_by_position(estimation, maps):
    """σ(BN·W₃·ReLU(BN·W₂·BN·W₁·[x ; e])), one column of channels at a time."""
    linear, norm, _ = estimation.summarize
    first, norm_1, second, norm_2, _, third, norm_3 = estimation.correlate
    received = estimation(maps).correlation
    for tracklet, frame, row, column in [(0, 0, 0, 0), (1, 3, 2, 1), (2, 1, 3, 0)]:
        clip_mean = maps[tracklet].mean(dim=(0, 2, 3))
        summary = functional.relu(_affine(norm, linear(clip_mean)))
        joined = torch.cat([maps[tracklet, frame, :, row, column], summary])
        hidden = _affine(norm_1, first.weight[:, :, 0, 0] @ joined)
        narrow = functional.relu(_affine(norm_2, second.weight[:, :, 0, 0] @ hidden))
        expected = _affine(norm_3, third.weight[:, :, 0, 0] @ narrow).sigmoid()
        torch.testing.assert_close(received[tracklet, frame, row, column], expected[0])


def test_high_and_low_are_the_weighted_map_and_sum_to_it(estimation, maps):
    correlated = estimation(maps)
    assert correlated.correlation.shape == (3, 4, 4, 2)
    assert 0 < correlated.correlation.min() < correlated.correlation.max() < 1
    torch.testing.assert_close(correlated.high, maps * correlated.correlation.unsqueeze(2))
    torch.testing.assert_close(correlated.high + correlated.low, maps)


def test_an_undecided_correlation_halves_the_map(estimation, maps):
    for parameter in estimation.correlate[-1].parameters():
        nn.init.zeros_(parameter)
    correlated = estimation(maps)
    torch.testing.assert_close(correlated.high, maps / 2)
    torch.testing.assert_close(correlated.low, maps / 2)


def test_a_batch_equals_its_clips(estimation, maps):
    together = estimation(maps)
    alone = [estimation(clip[None]) for clip in maps]
    for field in together._fields:
        singles = torch.cat([getattr(one, field) for one in alone])
        torch.testing.assert_close(getattr(together, field), singles)


def test_a_frame_is_judged_by_the_whole_clip(estimation, maps):
    other = maps.clone()
    other[:, 3] += 1
    changed = estimation(other).correlation[:, 0] - estimation(maps).correlation[:, 0]
    assert changed.abs().max() > 1e-3


def test_the_order_of_frames_does_not_matter(estimation, maps):
    backwards = estimation(maps.flip(1)).correlation.flip(1)
    torch.testing.assert_close(backwards, estimation(maps).correlation)


def test_parameters_at_the_width_of_a_resnet50():
    with torch.device("meta"):
        module = CorrelationEstimation(2048)
    count = {name: sum(p.numel() for p in m.parameters()) for name, m in module.named_children()}
    assert count == {"summarize": 2_100_224, "correlate": 3_410_690}


def test_training_teaches_all_but_the_biases_that_the_next_normalisation_removes(estimation, maps):
    backward_through([estimation.train()(maps).high])
    cancelled = ["summarize.0.bias", "correlate.1.bias"]
    assert untaught_parameters(estimation, noise=1e-12) == cancelled


def _affine(norm, columns):
    """A batch normalisation in evaluation."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (columns - norm.running_mean) * scale + norm.bias
