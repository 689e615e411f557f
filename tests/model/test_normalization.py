import pytest
import torch
from torchvision.transforms import v2

from model.normalization import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    FrameNormalization,
    Renormalization,
    renormalization,
)

NATIVE = [
    ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
]


@pytest.fixture
def pixels():
    return torch.randint(0, 256, (3, 8, 4, 3), dtype=torch.uint8)


def normalized(pixels, mean, std):
    frames = v2.functional.to_dtype(pixels.permute(0, 3, 1, 2), torch.float32, scale=True)
    return v2.functional.normalize(frames, mean, std)


def test_the_graph_normalises_as_training_does(pixels):
    expected = normalized(pixels, IMAGENET_MEAN, IMAGENET_STD)
    torch.testing.assert_close(FrameNormalization()(pixels), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("mean", "std"), NATIVE)
def test_shared_and_then_native_normalisation_is_native_normalisation(pixels, mean, std):
    renormalize = renormalization(mean=mean, std=std)
    expected = normalized(pixels, mean, std)
    torch.testing.assert_close(
        renormalize(FrameNormalization()(pixels)), expected, atol=1e-5, rtol=0
    )


def test_the_same_normalisation_needs_nothing():
    assert renormalization(mean=IMAGENET_MEAN, std=IMAGENET_STD) is None
    assert renormalization(mean=IMAGENET_MEAN, std=(0.5, 0.5, 0.5)) is not None


def test_files_of_weights_do_not_hold_the_renormalisation():
    renormalize = Renormalization(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    assert renormalize.state_dict() == {}
    assert {name for name, _ in renormalize.named_buffers()} == {"scale", "shift"}
