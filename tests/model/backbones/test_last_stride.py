import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from model.backbones.last_stride import remove_last_stride
from model.backbones.timm_network import build_network, output_shape

NETWORKS = [
    "resnet50",
    "mobilenetv2_100",
    "densenet121",
    "resnet50d",
    "resnetblur50",
    "regnety_002",
]


def without_last_stride(name):
    network = build_network(name)
    remove_last_stride(network, name=name)
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_the_map_has_twice_the_rows_and_columns_and_as_many_channels(name):
    with torch.device("meta"):
        stock, changed = build_network(name), without_last_stride(name)
    channels, rows, columns = output_shape(stock, (256, 128))[1:]
    assert output_shape(changed, (256, 128))[1:] == (channels, 2 * rows, 2 * columns)


@pytest.mark.parametrize("name", NETWORKS)
def test_names_and_shapes_of_the_tensors_stay(name):
    with torch.device("meta"):
        stock, changed = build_network(name).state_dict(), without_last_stride(name).state_dict()
    assert list(stock) == list(changed)
    assert [v.shape for v in stock.values()] == [v.shape for v in changed.values()]


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_dilated(name):
    with torch.device("meta"):
        network = without_last_stride(name)
    assert all(m.dilation == (1, 1) for m in network.modules() if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize(
    ("name", "gmacs"),
    [("resnet50", 32.426 / 8), ("mobilenetv2_100", 0.350), ("densenet121", 2.055)],
)
def test_a_frame_costs_what_the_specification_counts(name, gmacs):
    with torch.device("meta"):
        network = without_last_stride(name).eval()
        frame = torch.empty(1, 3, 256, 128)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        network(frame)
    assert counter.get_total_flops() / 2e9 == pytest.approx(gmacs, abs=5e-4)


def test_every_second_cell_is_what_the_stock_network_sees_at_its_last_stride():
    """With 1×1 weights in the last stage, striding is the same as skipping cells."""
    torch.manual_seed(0)
    stock = build_network("resnet18").eval()
    for block in stock.layer4:
        for conv in (block.conv1, block.conv2):
            with torch.no_grad():
                centre = conv.weight[..., 1, 1].clone()
                conv.weight.zero_()[..., 1, 1] = centre
    changed = without_last_stride("resnet18").eval()
    changed.load_state_dict(stock.state_dict())
    frames = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(changed(frames)[..., ::2, ::2], stock(frames))


@pytest.mark.parametrize(
    ("name", "received"), [("convnext_pico", "15×15"), ("inception_v3", "6×6")]
)
def test_a_downsampling_that_cannot_be_removed_is_refused(name, received):
    with (
        torch.device("meta"),
        pytest.raises(
            ValueError,
            match=rf"expected a map of .* cells of '{name}' without its last stride, received "
            rf"{received}: its last downsampling is no .*; set the last stride to 2",
        ),
    ):
        without_last_stride(name)


class FoldsPixels(nn.Module):
    """Halves by moving pixels into channels; without it the next layer does not fit."""

    def __init__(self):
        super().__init__()
        self.fold = nn.PixelUnshuffle(2)
        self.conv = nn.Conv2d(12, 4, 1)

    def forward(self, frames):
        return self.conv(self.fold(frames))


def test_a_network_that_breaks_without_its_last_stride_is_refused():
    with pytest.raises(
        ValueError, match=r"'folds' without its last stride, received Invalid channel"
    ):
        remove_last_stride(FoldsPixels(), name="folds")
