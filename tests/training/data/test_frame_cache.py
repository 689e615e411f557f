import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from training.data import frame_cache
from training.data.frame_cache import FrameCache
from training.data.frame_reading import read_frame

SIZE = {"height": 16, "width": 8}
FRAME_BYTES = 16 * 8 * 3


@pytest.fixture
def paths(tmp_path):
    generator = np.random.default_rng(0)
    made = [tmp_path / f"{i}.jpg" for i in range(6)]
    for path in made:
        Image.fromarray(generator.integers(0, 256, (20, 10, 3), dtype=np.uint8)).save(path)
    return made


@pytest.fixture
def decoded(monkeypatch):
    """Paths that were decoded, in order."""
    seen = []

    def reading(path, **size):
        seen.append(path)
        return read_frame(path, **size)

    monkeypatch.setattr(frame_cache, "read_frame", reading)
    return seen


def test_a_kept_frame_is_the_decoded_one_and_is_decoded_once(paths, decoded):
    cache = FrameCache(10 * FRAME_BYTES)
    for _ in range(3):
        for path in paths:
            assert np.array_equal(cache.read(path, **SIZE), read_frame(path, **SIZE))
    assert decoded == paths
    assert cache.held_bytes == 6 * FRAME_BYTES


def test_no_more_is_kept_than_the_limit_and_what_came_first_stays(paths, decoded):
    cache = FrameCache(3 * FRAME_BYTES + 1)
    for _ in range(2):
        for path in paths:
            cache.read(path, **SIZE)
            assert cache.held_bytes <= 3 * FRAME_BYTES
    assert decoded == [*paths, *paths[3:]]


def test_nothing_is_kept_without_memory_for_it(paths, decoded):
    cache = FrameCache(0)
    for _ in range(2):
        cache.read(paths[0], **SIZE)
    assert decoded == [paths[0]] * 2
    assert cache.held_bytes == 0


def test_a_changed_file_is_read_again_and_replaces_the_old_frame(paths, decoded):
    cache = FrameCache(10 * FRAME_BYTES)
    cache.read(paths[0], **SIZE)
    Image.new("RGB", (10, 20), (9, 9, 9)).save(paths[0], quality=100)
    assert (abs(cache.read(paths[0], **SIZE).astype(int) - 9) <= 1).all()
    assert cache.held_bytes == FRAME_BYTES
    assert len(decoded) == 2
    # The same length and content, but another time: read again rather than believed.
    os.utime(paths[0], ns=(1, 1))
    cache.read(paths[0], **SIZE)
    assert len(decoded) == 3


def test_sizes_are_kept_apart(paths):
    cache = FrameCache(10 * FRAME_BYTES)
    assert cache.read(paths[0], **SIZE).shape == (16, 8, 3)
    assert cache.read(paths[0], height=8, width=4).shape == (8, 4, 3)


def test_a_kept_frame_cannot_be_written_to(paths):
    frame = FrameCache(10 * FRAME_BYTES).read(paths[0], **SIZE)
    with pytest.raises(ValueError, match="read-only"):
        frame[0] = 0


def test_a_file_that_vanished_has_the_error_of_reading_it(paths):
    cache = FrameCache(10 * FRAME_BYTES)
    cache.read(paths[0], **SIZE)
    paths[0].unlink()
    with pytest.raises(ValueError, match=r"expected a whole image at .*0\.jpg"):
        cache.read(paths[0], **SIZE)


def test_threads_share_a_cache_within_its_limit(paths):
    cache = FrameCache(4 * FRAME_BYTES)
    expected = {path: read_frame(path, **SIZE) for path in paths}

    def read(i):
        path = paths[i % 6]
        return np.array_equal(cache.read(path, **SIZE), expected[path])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(400)))
    assert cache.held_bytes == 4 * FRAME_BYTES
