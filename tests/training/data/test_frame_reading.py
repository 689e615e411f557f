import io
import struct

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from training.data.frame_reading import read_frame


def noise(shape=(50, 30, 3), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def by_pillow(path, height, width):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR))


def is_whole_to_pillow(data):
    try:
        Image.open(io.BytesIO(data)).load()
    except (OSError, SyntaxError):
        return False
    return True


def test_a_frame_is_rgb_at_the_asked_size(tmp_path):
    Image.new("L", (30, 50), 77).save(tmp_path / "grey.png")
    frame = read_frame(tmp_path / "grey.png", height=64, width=32)
    assert frame.shape == (64, 32, 3)
    assert frame.dtype == np.uint8
    assert (frame == 77).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "options", [{}, {"subsampling": 0}, {"progressive": True}, {"quality": 30}]
)
@pytest.mark.parametrize("size", [(64, 32), (50, 30), (256, 128)])
def test_a_jpeg_has_the_pixels_that_pillow_reads(tmp_path, mode, options, size):
    path = tmp_path / "frame.jpg"
    Image.fromarray(noise()).convert(mode).save(path, **options)
    frame = read_frame(path, height=size[0], width=size[1])
    assert np.array_equal(frame, by_pillow(path, *size))


def test_a_jpeg_of_colours_is_not_left_to_pillow(tmp_path, monkeypatch):
    path = tmp_path / "frame.jpg"
    Image.fromarray(noise()).save(path)
    expected = by_pillow(path, 50, 30)
    monkeypatch.setattr(JpegImageFile, "load", lambda _: pytest.fail("decoded by Pillow"))
    assert np.array_equal(read_frame(path, height=50, width=30), expected)


def test_orientation_tags_turn_nothing(tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    image = Image.fromarray(noise())
    image.save(tmp_path / "tagged.jpg", exif=tags)
    image.save(tmp_path / "plain.jpg")
    tagged, plain = (
        read_frame(tmp_path / f"{name}.jpg", height=50, width=30) for name in ("tagged", "plain")
    )
    assert np.array_equal(tagged, plain)


def test_transparent_pixels_are_mid_grey(tmp_path):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4] = (200, 100, 50, 255)
    Image.fromarray(pixels).save(tmp_path / "frame.png")
    frame = read_frame(tmp_path / "frame.png", height=8, width=8)
    assert (frame[:4] == (200, 100, 50)).all()
    assert (frame[4:] == 128).all()


def test_16_bit_grey_keeps_its_upper_bits(tmp_path):
    Image.fromarray(np.full((8, 8), 0x4DFF, np.uint16)).save(tmp_path / "frame.png")
    assert (read_frame(tmp_path / "frame.png", height=8, width=8) == 0x4D).all()


def test_a_palette_is_looked_up(tmp_path):
    image = Image.new("RGB", (8, 8), (255, 0, 0)).convert("P")
    image.save(tmp_path / "frame.png")
    assert (read_frame(tmp_path / "frame.png", height=8, width=8) == (255, 0, 0)).all()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="expected a whole image at .*absent.jpg.*replace or remo"):
        read_frame(tmp_path / "absent.jpg", height=8, width=8)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0"])
def test_a_file_that_is_no_image_is_named(tmp_path, content):
    path = tmp_path / "frame.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected a whole image at .*frame.jpg, received"):
        read_frame(path, height=8, width=8)


def test_an_animation_is_refused(tmp_path):
    frames = [Image.fromarray(noise(seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / "frame.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="at .*frame.webp, received: an animation; replace"):
        read_frame(tmp_path / "frame.webp", height=8, width=8)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_cut_anywhere_is_refused_or_read_as_pillow_reads_it(tmp_path, progressive):
    """libjpeg-turbo fills what is missing with grey and calls that a warning."""
    whole = tmp_path / "whole.jpg"
    Image.fromarray(noise()).save(whole, progressive=progressive)
    data, path = whole.read_bytes(), tmp_path / "cut.jpg"
    refused = 0
    for length in range(0, len(data), 29):
        path.write_bytes(data[:length])
        if is_whole_to_pillow(data[:length]):
            assert np.array_equal(read_frame(path, height=50, width=30), by_pillow(path, 50, 30))
            continue
        refused += 1
        with pytest.raises(ValueError, match="expected a whole image at .*cut.jpg"):
            read_frame(path, height=50, width=30)
    assert refused > 50


def test_a_jpeg_with_garbled_pixels_is_refused_or_read_as_pillow_reads_it(tmp_path):
    whole = tmp_path / "whole.jpg"
    Image.fromarray(noise()).save(whole)
    generator = np.random.default_rng(3)
    path = tmp_path / "garbled.jpg"
    for _ in range(60):
        data = bytearray(whole.read_bytes())
        for place in generator.integers(2, len(data), size=4):
            data[place] = generator.integers(256)
        path.write_bytes(data)
        try:
            expected = by_pillow(path, 50, 30)
        except (OSError, SyntaxError):
            with pytest.raises(ValueError, match="expected a whole image"):
                read_frame(path, height=50, width=30)
            continue
        assert np.array_equal(read_frame(path, height=50, width=30), expected)


def test_a_header_that_promises_too_many_pixels_is_refused_by_pillows_own_limit(tmp_path):
    whole = tmp_path / "frame.jpg"
    Image.fromarray(noise()).save(whole)
    data = bytearray(whole.read_bytes())
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", 65500, 65500)
    whole.write_bytes(data)
    with pytest.raises(ValueError, match="expected a whole image at .*decompression bomb"):
        read_frame(whole, height=8, width=8)


def test_memory_that_runs_out_is_not_blamed_on_the_file(tmp_path, monkeypatch):
    path = tmp_path / "frame.jpg"
    Image.fromarray(noise()).save(path)

    def fails(*_):
        raise MemoryError

    monkeypatch.setattr("training.data.frame_reading.simplejpeg.decode_jpeg", fails)
    with pytest.raises(MemoryError):
        read_frame(path, height=8, width=8)


def test_bytes_of_no_image_are_named_so_and_not_by_an_address_in_memory(tmp_path):
    path = tmp_path / "frame.jpg"
    path.write_bytes(b"no image")
    with pytest.raises(ValueError, match="received: bytes of no known image format; replace or"):
        read_frame(path, height=4, width=4)
