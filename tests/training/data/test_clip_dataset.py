import pytest
import torch

from training.data.clip_config import AugmentationConfig
from training.data.clip_dataset import ClipDataset, ClipRequest
from training.data.transforms import training_transform


@pytest.fixture
def dataset(drawn_tracklets):
    transform = training_transform(AugmentationConfig(), height=64, width=32)
    return ClipDataset(drawn_tracklets, clip_frames=3, size=(64, 32), transform=transform)


def test_a_clip_has_its_shape_and_the_class_of_its_identity(dataset, drawn_tracklets):
    assert dataset.identities == 6
    for position, tracklet in enumerate(drawn_tracklets):
        clip = dataset[ClipRequest(position, 0)]
        assert clip.frames.shape == (3, 3, 64, 32)
        assert clip.identity.item() == tracklet.identity - 1


def test_a_request_is_the_same_clip_whatever_was_drawn_before(dataset):
    first = dataset[ClipRequest(3, 42)].frames
    torch.rand(7)
    dataset[ClipRequest(1, 5)]
    assert torch.equal(dataset[ClipRequest(3, 42)].frames, first)
    assert not torch.equal(dataset[ClipRequest(3, 43)].frames, first)


def test_drawing_a_clip_leaves_the_global_generator_alone(dataset):
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    dataset[ClipRequest(0, 1)]
    assert torch.equal(torch.rand(1), expected)


def test_the_seed_chooses_the_frames(drawn_tracklets):
    still = AugmentationConfig(flip=0, pad_px=0, erasing=0)
    dataset = ClipDataset(
        drawn_tracklets,
        clip_frames=1,
        size=(64, 32),
        transform=training_transform(still, height=64, width=32),
    )
    drawn = {dataset[ClipRequest(0, seed)].frames.sum().item() for seed in range(30)}
    assert len(drawn) == len(drawn_tracklets[0].frames)
