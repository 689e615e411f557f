"""A file of any kind has the same pixels in training as in the service, or is refused by both."""

import numpy as np
import pytest
from PIL import Image

from model.manifest import FrameChoice, Preprocessing
from service.media.frame_limits import FrameLimits, check_header
from service.media.image_header import FORMATS, UnreadableImageError
from service.media.pixels import decode_pixels
from training.data.frame_reading import read_frame

HEIGHT, WIDTH = 64, 32
LIMITS = FrameLimits(max_bytes=10**6, max_pixels=10**6, max_side_px=4096, formats=FORMATS)


def served(data):
    preprocessing = Preprocessing(
        frames_per_clip=None,
        choice=FrameChoice(policy="evenly_spaced", most=1),
        height=HEIGHT,
        width=WIDTH,
        interpolation="bilinear_antialias",
        colour="RGB",
    )
    return decode_pixels(check_header(data, LIMITS), preprocessing)


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


def picture(mode):
    if mode == "I;16":
        return Image.fromarray(noise(50, 30, dtype=np.uint16))
    if mode == "RGBA":
        return Image.fromarray(noise(50, 30, 4))
    return Image.fromarray(noise(50, 30, 3)).convert(mode)


KINDS = [
    *(("jpg", mode) for mode in ("RGB", "L", "CMYK")),
    *(("png", mode) for mode in ("RGB", "L", "LA", "RGBA", "P", "1", "I;16")),
    *(("webp", mode) for mode in ("RGB", "RGBA")),
]


@pytest.mark.parametrize(("suffix", "mode"), KINDS)
@pytest.mark.parametrize("orientation", [None, 6])
def test_a_picture_has_the_same_pixels_on_both_sides(tmp_path, suffix, mode, orientation):
    tags = Image.Exif()
    if orientation:
        tags[0x0112] = orientation
    path = tmp_path / f"frame.{suffix}"
    picture(mode).save(path, exif=tags)
    expected = read_frame(path, height=HEIGHT, width=WIDTH)
    assert np.array_equal(served(path.read_bytes()), expected)


def test_a_colour_that_stands_for_transparency_is_grey_on_both_sides(tmp_path):
    path = tmp_path / "frame.png"
    Image.new("RGB", (30, 50), (10, 20, 30)).save(path, transparency=(10, 20, 30))
    expected = read_frame(path, height=HEIGHT, width=WIDTH)
    assert (expected == 128).all()
    assert np.array_equal(served(path.read_bytes()), expected)


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_file_that_was_cut_off_is_refused_by_both_sides(tmp_path, suffix, kept):
    path = tmp_path / f"frame.{suffix}"
    picture("RGB").save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(ValueError, match="expected a whole image"):
        read_frame(path, height=HEIGHT, width=WIDTH)
    with pytest.raises(UnreadableImageError, match="expected a whole"):
        served(path.read_bytes())


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_an_animation_is_refused_by_both_sides(tmp_path, suffix):
    path = tmp_path / f"frame.{suffix}"
    frames = [Image.fromarray(noise(50, 30, 3, seed=seed)) for seed in range(2)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="an animation"):
        read_frame(path, height=HEIGHT, width=WIDTH)
    with pytest.raises(UnreadableImageError, match="an animated"):
        served(path.read_bytes())
