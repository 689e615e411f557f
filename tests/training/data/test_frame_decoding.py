import numpy as np
import pytest
from PIL import Image

from training.data.frame_decoding import corrupt_frames


@pytest.fixture
def write(tmp_path):
    def writer(name, keep=1.0):
        pixels = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
        path = tmp_path / name
        Image.fromarray(pixels).save(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(keep * len(content))])
        return path

    return writer


def test_whole_images_are_not_reported(write):
    assert corrupt_frames([write("a.jpg"), write("b.png")]) == {}


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.9])
def test_a_file_cut_anywhere_is_found(name, keep, write):
    path = write(name, keep)
    assert list(corrupt_frames([write("whole.jpg"), path])) == [path]


def test_a_missing_file_is_found_with_its_reason(tmp_path):
    ((path, reason),) = corrupt_frames([tmp_path / "absent.jpg"]).items()
    assert path == tmp_path / "absent.jpg"
    assert "No such file" in reason


def test_progress_ends_at_all(write):
    calls = []
    frames = [write("a.jpg")] * 300
    corrupt_frames(frames, progress=lambda *counts: calls.append(counts))
    assert calls == [(256, 300), (300, 300)]
