import numpy as np
import pytest
from PIL import Image

from training.data.frame_reading import read_frame


def test_a_frame_is_rgb_at_the_asked_size(tmp_path):
    Image.new("L", (30, 50), 77).save(tmp_path / "grey.png")
    frame = read_frame(tmp_path / "grey.png", height=64, width=32)
    assert frame.shape == (64, 32, 3)
    assert frame.dtype == np.uint8
    assert (frame == 77).all()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="expected a whole image at .*absent.jpg"):
        read_frame(tmp_path / "absent.jpg", height=8, width=8)


def test_a_truncated_file_is_named_and_not_half_read(tmp_path):
    whole = tmp_path / "whole.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole.read_bytes()[:900])
    with pytest.raises(ValueError, match="expected a whole image at .*cut.jpg"):
        read_frame(cut, height=8, width=8)
