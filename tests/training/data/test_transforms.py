import torch

from training.data.clip_config import AugmentationConfig
from training.data.transforms import training_transform


def augment(clip, seed, **config):
    torch.manual_seed(seed)
    return training_transform(AugmentationConfig(**config), height=32, width=16)(clip)


def test_every_frame_of_a_clip_gets_the_same_augmentation():
    frame = torch.randint(0, 256, (3, 32, 16), dtype=torch.uint8)
    for seed in range(10):
        clip = augment(frame.expand(5, 3, 32, 16), seed)
        assert clip.shape == (5, 3, 32, 16)
        assert (clip == clip[0]).all()


def test_clips_differ_from_each_other():
    frame = torch.randint(0, 256, (1, 3, 32, 16), dtype=torch.uint8)
    results = {augment(frame, seed).sum().item() for seed in range(20)}
    assert len(results) > 15


def test_erasing_fills_with_zero_after_normalisation():
    white = torch.full((1, 3, 32, 16), 255, dtype=torch.uint8)
    erased = augment(white, 0, flip=0, pad_px=0, erasing=1)
    hole = (erased == 0).all(1)
    assert 0.02 * 32 * 16 * 0.5 <= hole.sum() <= 0.4 * 32 * 16 * 1.2
    assert (erased[:, 0] > 0).sum() == 32 * 16 - hole.sum()


def test_nothing_switched_on_is_plain_normalisation():
    grey = torch.full((2, 3, 32, 16), 128, dtype=torch.uint8)
    plain = augment(grey, 0, flip=0, pad_px=0, erasing=0)
    assert plain[:, 0].unique().numel() == 1
    torch.testing.assert_close(plain[0, 0, 0, 0].item(), (128 / 255 - 0.485) / 0.229, atol=1e-5, rtol=0)


def test_a_flip_mirrors_the_frame():
    frame = torch.randint(0, 256, (1, 3, 32, 16), dtype=torch.uint8)
    straight = augment(frame, 0, flip=0, pad_px=0, erasing=0)
    flipped = augment(frame, 0, flip=1, pad_px=0, erasing=0)
    assert torch.equal(flipped, straight.flip(-1))
