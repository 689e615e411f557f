import pytest
import torch
from safetensors.torch import save_file
from torch._dynamo.testing import CompileCounter

from model.backbones.cnn import CnnBackbone

TIMM_PARAMETERS = {
    "resnet50.tv_in1k": 23_508_032,
    "mobilenetv2_100": 2_223_872,
    "densenet121": 6_953_856,
}


@pytest.mark.parametrize("name", TIMM_PARAMETERS)
def test_the_parameters_are_those_of_the_specification(name):
    with torch.device("meta"):
        backbone = CnnBackbone(name)
    assert sum(p.numel() for p in backbone.parameters()) == TIMM_PARAMETERS[name]


@pytest.mark.parametrize(
    ("name", "last_stride", "shape"),
    [
        ("resnet50", "auto", (2048, 16, 8)),
        ("resnet50", 1, (2048, 16, 8)),
        ("resnet50", 2, (2048, 8, 4)),
        ("seresnext26d_32x4d", "auto", (2048, 16, 8)),
        ("mobilenetv2_100", "auto", (1280, 8, 4)),
        ("mobilenetv2_100", 1, (1280, 16, 8)),
        ("densenet121", "auto", (1024, 8, 4)),
        ("densenet121", 1, (1024, 16, 8)),
    ],
)
def test_the_last_stride_is_1_for_resnets_and_where_it_is_asked_for(name, last_stride, shape):
    with torch.device("meta"):
        backbone = CnnBackbone(name, last_stride=last_stride).eval()
        feature_map = backbone(torch.empty(2, 3, 256, 128))
    assert feature_map.shape == (2, *shape)
    assert backbone.dimension == shape[0]


def test_the_map_has_the_declared_channels_at_a_thirtysecond_of_the_size():
    backbone = CnnBackbone("mobilenetv2_100").eval()
    with torch.inference_mode():
        feature_map = backbone(torch.zeros(2, 3, 96, 64))
    assert feature_map.shape == (2, backbone.dimension, 3, 2)
    assert feature_map.is_contiguous(memory_format=torch.channels_last)


def test_the_network_receives_channels_last():
    backbone = CnnBackbone("test_resnet").eval()
    layouts = []
    backbone.network.register_forward_pre_hook(
        lambda _, frames: layouts.append(frames[0].is_contiguous(memory_format=torch.channels_last))
    )
    with torch.inference_mode():
        backbone(torch.zeros(2, 3, 64, 32))
    assert layouts == [True]


def test_a_batch_equals_its_frames_one_by_one():
    backbone = CnnBackbone("test_resnet").eval()
    frames = torch.randn(3, 3, 64, 32)
    with torch.inference_mode():
        alone = torch.cat([backbone(frame[None]) for frame in frames])
        torch.testing.assert_close(backbone(frames), alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["deit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_a_transformer_is_no_cnn(name):
    with pytest.raises(
        ValueError,
        match=r"expected a CNN, which takes frames of any size and ends in a map \[f, c, h, w\], "
        rf"received '{name}', which does not: .*256.*; name a Transformer as the Transformer",
    ):
        CnnBackbone(name)


def test_a_network_that_ends_in_a_vector_is_no_cnn():
    """timm's MLP-mixers take one size; some networks pool whatever they are told."""
    with pytest.raises(ValueError, match=r"expected a CNN.*received 'mixer_b32_224', which does"):
        CnnBackbone("mixer_b32_224")


def test_finding_the_channels_leaves_the_statistics_alone():
    network = CnnBackbone("mobilenetv2_100").network
    assert network.training
    assert network.bn1.running_mean.eq(0).all()


@pytest.fixture
def stock_file(tmp_path):
    torch.manual_seed(3)
    stock = CnnBackbone("test_resnet", last_stride=2)
    path = tmp_path / "stock.safetensors"
    save_file({k: v.contiguous() for k, v in stock.network.state_dict().items()}, path)
    return path, stock.eval()


def test_it_starts_from_a_local_file(stock_file):
    path, stock = stock_file
    started = CnnBackbone("test_resnet", last_stride=2, weights=path).eval()
    frames = torch.randn(1, 3, 64, 32)
    with torch.inference_mode():
        torch.testing.assert_close(started(frames), stock(frames), atol=0, rtol=0)


def test_a_file_of_the_stock_network_fits_without_the_last_stride(stock_file):
    path, stock = stock_file
    started = CnnBackbone("test_resnet", last_stride=1, weights=path).state_dict()
    for name, value in stock.state_dict().items():
        torch.testing.assert_close(started[name], value, atol=0, rtol=0)


def test_native_normalisation_gives_the_network_what_it_was_trained_with():
    torch.manual_seed(0)
    shared = CnnBackbone("test_resnet").eval()  # its weights were trained with 0.5 and 0.5
    native = CnnBackbone("test_resnet", native_normalization=True).eval()
    native.load_state_dict(shared.state_dict())
    pixels = torch.rand(2, 3, 64, 32)
    imagenet = (pixels - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    with torch.inference_mode():
        torch.testing.assert_close(
            native(imagenet), shared((pixels - 0.5) / 0.5), atol=1e-4, rtol=0
        )
    assert CnnBackbone("test_efficientnet", native_normalization=True).renormalize is None


def test_it_compiles_to_one_graph_and_runs_in_half_precision():
    backbone = CnnBackbone("test_resnet", native_normalization=True).eval()
    counter = CompileCounter()
    with torch.inference_mode():
        torch.compile(backbone, fullgraph=True, backend=counter)(torch.zeros(2, 3, 64, 32))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert backbone(torch.zeros(2, 3, 64, 32)).dtype == torch.bfloat16
    assert counter.frame_count == 1
