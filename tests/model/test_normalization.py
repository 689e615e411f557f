import torch
from torchvision.transforms import v2

from model.normalization import IMAGENET_MEAN, IMAGENET_STD, FrameNormalization


def test_the_graph_normalises_as_training_does():
    frames = torch.randint(0, 256, (3, 8, 4, 3), dtype=torch.uint8)
    expected = v2.functional.normalize(
        v2.functional.to_dtype(frames.permute(0, 3, 1, 2), torch.float32, scale=True),
        IMAGENET_MEAN,
        IMAGENET_STD,
    )
    torch.testing.assert_close(FrameNormalization()(frames), expected, atol=1e-5, rtol=0)
