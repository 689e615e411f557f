import threading
from itertools import islice

import pytest
import torch

from training.data.clip_config import AugmentationConfig, ClipConfig
from training.data.clip_dataset import ClipDataset, ClipRequest
from training.data.clip_loader import ClipLoader
from training.data.identity_sampler import IdentitySampler
from training.data.tracklet import Tracklet


@pytest.fixture
def dataset(drawn_tracklets):
    return ClipDataset(
        drawn_tracklets,
        size=(64, 32),
        clips=ClipConfig(frames=3, cache_mib=1),
        augmentation=AugmentationConfig(),
    )


def sampler(tracklets, **options):
    return IdentitySampler(tracklets, groups=2, per_group=2, seed=0, **options)


def clip_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("clips")]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_neither_bit_nor_stride_nor_order(dataset, drawn_tracklets, threads):
    alone = ClipLoader(dataset, sampler(drawn_tracklets), threads=0)
    helped = ClipLoader(dataset, sampler(drawn_tracklets), threads=threads)
    for expected, received in zip(islice(alone, 6), helped, strict=False):
        assert torch.equal(expected.frames, received.frames)
        assert torch.equal(expected.identity, received.identity)
        assert torch.equal(expected.frame_numbers, received.frame_numbers)
        assert expected.frames.stride() == received.frames.stride()


@pytest.mark.parametrize("threads", [0, 2])
def test_a_batch_is_contiguous_aligned_memory_of_its_own(dataset, drawn_tracklets, threads):
    batches = list(islice(ClipLoader(dataset, sampler(drawn_tracklets), threads=threads), 4))
    for clips in batches:
        assert clips.frames.shape == (4, 3, 3, 64, 32)
        assert clips.frames.dtype == torch.float32
        assert clips.frames.is_contiguous()
        assert clips.frames.data_ptr() % 64 == 0
    assert len({clips.frames.data_ptr() for clips in batches}) == 4


def test_a_batch_is_its_requests_in_order(dataset):
    requests = [ClipRequest(5, 1), ClipRequest(0, 2), ClipRequest(5, 3)]
    (clips,) = ClipLoader(dataset, [requests], threads=2)
    assert clips.identity.tolist() == [dataset.class_number(request) for request in requests]
    for request, frames in zip(requests, clips.frames, strict=True):
        expected = torch.empty(dataset.clip_shape)
        dataset.draw(request, expected.numpy())
        assert torch.equal(frames, expected)


@pytest.mark.parametrize("threads", [0, 2])
def test_each_clip_of_a_batch_has_the_numbers_of_its_own_frames(dataset, threads):
    requests = [ClipRequest(5, 1), ClipRequest(0, 2), ClipRequest(5, 3)]
    (clips,) = ClipLoader(dataset, [requests], threads=threads)
    out = torch.empty(dataset.clip_shape).numpy()
    expected = [dataset.draw(request, out).tolist() for request in requests]
    assert clips.frame_numbers.tolist() == expected


@pytest.mark.parametrize("threads", [0, 1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_finite_requests_give_as_many_batches(dataset, threads, count):
    requests = [[ClipRequest(i, i)] for i in range(count)]
    assert len(list(ClipLoader(dataset, requests, threads=threads))) == count


def test_no_more_than_two_batches_are_drawn_ahead(dataset):
    asked = []

    def requests():
        for i in range(20):
            asked.append(i)
            yield [ClipRequest(i % 3, i)]

    batches = iter(ClipLoader(dataset, requests(), threads=2))
    for taken in range(1, 6):
        next(batches)
        assert len(asked) == taken + 2
    batches.close()


def test_a_closed_loader_leaves_no_thread(dataset, drawn_tracklets):
    batches = iter(ClipLoader(dataset, sampler(drawn_tracklets), threads=3))
    next(batches)
    assert clip_threads()
    batches.close()
    assert not clip_threads()


@pytest.mark.parametrize("threads", [0, 2])
def test_a_corrupt_frame_ends_the_batches_with_its_path(drawn_tracklets, tmp_path, threads):
    corrupt = tmp_path / "corrupt.jpg"
    corrupt.write_bytes(b"no picture")
    dataset = ClipDataset(
        [drawn_tracklets[0], Tracklet("broken", 2, 1, (corrupt,))],
        size=(64, 32),
        clips=ClipConfig(frames=1),
        augmentation=AugmentationConfig(),
    )
    requests = [[ClipRequest(0, 0)], [ClipRequest(0, 1), ClipRequest(1, 2)]]
    batches = iter(ClipLoader(dataset, requests, threads=threads))
    next(batches)
    with pytest.raises(ValueError, match="expected a whole image at .*corrupt.jpg"):
        next(batches)
    assert not clip_threads()


def test_parts_of_two_processes_are_the_batch_of_one(dataset, drawn_tracklets):
    whole = ClipLoader(dataset, sampler(drawn_tracklets), threads=0)
    parts = [
        ClipLoader(dataset, sampler(drawn_tracklets, rank=rank, world_size=2), threads=1)
        for rank in range(2)
    ]
    for expected, first, second in islice(zip(whole, *parts, strict=False), 4):
        assert torch.equal(torch.cat([first.frames, second.frames]), expected.frames)
        assert torch.equal(torch.cat([first.identity, second.identity]), expected.identity)


@pytest.mark.gpu
def test_pinned_batches_are_page_locked_and_hold_the_same_clips(dataset, drawn_tracklets):
    plain = ClipLoader(dataset, sampler(drawn_tracklets), threads=0)
    pinned = ClipLoader(dataset, sampler(drawn_tracklets), threads=2, pinned=True)
    for expected, received in islice(zip(plain, pinned, strict=False), 3):
        assert received.frames.is_pinned()
        assert torch.equal(expected.frames, received.frames)
