import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from model.layers.nonlocal_block import NonlocalBlock
from tests.gradient_probe import backward_through, untaught_parameters
from tests.network_laws import enliven_norm


def lively_block(*, stripes=None):
    torch.manual_seed(0)
    block = NonlocalBlock(16, stripes=stripes).double().eval()
    enliven_norm(block.norm)
    return block


@pytest.fixture
def maps():
    return torch.randn(3, 4, 16, 6, 2, generator=torch.Generator().manual_seed(1)).double()


def convolution(linear):
    """The same weights as a 1×1×1 convolution."""
    layer = nn.Conv3d(linear.in_features, linear.out_features, kernel_size=1).double()
    layer.weight.data = linear.weight.data[:, :, None, None, None].clone()
    layer.bias.data = linear.bias.data.clone()
    return layer


def reference(block, maps, pooled):
    """Z = X + BN(Conv(softmax(θᵀφ) gᵀ)) over channels-first volumes, `pooled` in place of X."""
    norm = nn.BatchNorm3d(16).double().train(block.training)
    norm.load_state_dict(block.norm.state_dict())
    query, key, value = (
        convolution(layer)(pooled).flatten(2) for layer in (block.query, block.key, block.value)
    )
    weights = (query.transpose(1, 2) @ key).softmax(dim=2)
    attended = (weights @ value.transpose(1, 2)).transpose(1, 2)
    refined = norm(convolution(block.output)(attended.unflatten(2, pooled.shape[2:])))
    repeats = [whole // part for whole, part in zip(maps.shape[2:], pooled.shape[2:], strict=True)]
    return maps + refined.repeat_interleave(repeats[1], 3).repeat_interleave(repeats[2], 4)


@pytest.mark.parametrize("training", [False, True])
def test_the_plain_block_equals_its_formula_with_convolutions(maps, training):
    block = lively_block().train(training)
    volume = maps.transpose(1, 2)
    expected = reference(copy.deepcopy(block), volume, volume).transpose(1, 2)
    torch.testing.assert_close(block(maps), expected)


@pytest.mark.parametrize("training", [False, True])
def test_the_striped_block_pools_attends_and_repeats(maps, training):
    block = lively_block(stripes=3).train(training)
    volume = maps.transpose(1, 2)
    pooled = functional.avg_pool3d(volume, kernel_size=(1, 2, 2))
    expected = reference(copy.deepcopy(block), volume, pooled).transpose(1, 2)
    torch.testing.assert_close(block(maps), expected)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("stripes", [None, 2])
def test_it_starts_as_the_identity(maps, stripes, training):
    block = NonlocalBlock(16, stripes=stripes).double().train(training)
    torch.testing.assert_close(block(maps), maps, atol=0, rtol=0)


def test_stripes_of_single_pixels_are_the_plain_block(maps):
    column = maps[..., :1]
    plain, striped = lively_block(), lively_block(stripes=6)
    torch.testing.assert_close(striped(column), plain(column))


def test_what_a_stripe_learns_is_the_same_for_all_its_pixels(maps):
    added = (lively_block(stripes=3)(maps) - maps).unflatten(3, (3, 2))
    torch.testing.assert_close(added, added[:, :, :, :, :1, :1].expand_as(added))
    assert added.std(dim=3).max() > 1e-3


def test_reordering_frames_reorders_the_maps(maps):
    order = [2, 0, 3, 1]
    for stripes in (None, 3):
        block = lively_block(stripes=stripes)
        torch.testing.assert_close(block(maps[:, order]), block(maps)[:, order])


def test_frames_attend_to_each_other(maps):
    block, other = lively_block(), maps.clone()
    other[:, 3] += 1
    assert (block(other)[:, 0] - block(maps)[:, 0]).abs().max() > 1e-4


def test_a_batch_equals_its_clips(maps):
    block = lively_block(stripes=2)
    torch.testing.assert_close(block(maps), torch.cat([block(clip[None]) for clip in maps]))


def test_rows_that_do_not_split_into_stripes_are_refused(maps):
    with pytest.raises(
        ValueError, match="expected a map whose rows split into 4 stripes, received 6 rows; use"
    ):
        NonlocalBlock(16, stripes=4).double()(maps)


@pytest.mark.parametrize(("channels", "count"), [(512, 526_592), (1024, 2_101_760)])
def test_parameters_are_those_of_the_specification(channels, count):
    with torch.device("meta"):
        block = NonlocalBlock(channels)
    assert sum(p.numel() for p in block.parameters()) == count


def test_training_teaches_all_but_the_biases_that_cancel(maps):
    """Softmax removes what all keys share, and the normalisation what all positions share."""
    block = lively_block().train()
    backward_through([block(maps)])
    assert untaught_parameters(block, noise=1e-12) == ["key.bias", "value.bias", "output.bias"]


def test_at_the_start_only_the_normalisation_learns(maps):
    block = NonlocalBlock(16).double()
    backward_through([block(maps)])
    untaught = untaught_parameters(block)
    assert {name for name, _ in block.named_parameters()} - {*untaught} == {
        "norm.weight",
        "norm.bias",
    }
