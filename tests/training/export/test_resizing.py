import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from training.export.resizing import AntialiasedResize

SIZES = [((64, 32), (32, 16)), ((50, 41), (64, 32)), ((100, 20), (64, 32)), ((33, 70), (64, 32))]


def frames_of(size):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (2, 3, *size), generator=generator).float()


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_it_is_antialiased_bilinear_resizing(source, target):
    frames = frames_of(source)
    expected = functional.interpolate(frames, size=target, mode="bilinear", antialias=True)
    received = AntialiasedResize(source, target)(frames)
    assert received.shape == (2, 3, *target)
    torch.testing.assert_close(received, expected, atol=1e-3, rtol=0)


def test_it_is_what_the_service_does_to_a_frame_of_another_size():
    """Up to one level of 255: an image file holds whole levels, a graph does not."""
    frames = frames_of((150, 70))
    pixels = frames[0].permute(1, 2, 0).numpy().astype(np.uint8)
    image = Image.fromarray(pixels).resize((32, 64), Image.Resampling.BILINEAR)
    received = AntialiasedResize((150, 70), (64, 32))(frames)[0].permute(1, 2, 0).numpy()
    assert np.abs(received - np.asarray(image, dtype=np.float32)).max() <= 1


def test_grey_stays_grey_to_the_border():
    grey = torch.full((1, 3, 45, 23), 93.0)
    received = AntialiasedResize((45, 23), (64, 32))(grey)
    torch.testing.assert_close(received, torch.full((1, 3, 64, 32), 93.0), atol=1e-4, rtol=0)


def test_its_matrices_are_no_weights():
    assert not AntialiasedResize((64, 32), (32, 16)).state_dict()
