import io
import zlib

import numpy as np
import pytest
from PIL import Image

from model.manifest import FrameChoice, Preprocessing
from service.media import pixels
from service.media.image_header import ImageHeader, UnreadableImageError, read_header
from service.media.pixels import decode_pixels
from tests.encoded_frames import drawn_picture, encoded, encoded_frame, with_png_chunk

PREPROCESSING = Preprocessing(
    frames_per_clip=None,
    choice=FrameChoice(policy="evenly_spaced", most=8),
    height=64,
    width=32,
    interpolation="bilinear_antialias",
    colour="RGB",
)


def decoded(data):
    return decode_pixels(read_header(data), PREPROCESSING)


def as_training_reads(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB").resize((32, 64), Image.Resampling.BILINEAR))


def reason_of(data):
    with pytest.raises(UnreadableImageError) as refusal:
        decoded(data)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 60}),
        ("JPEG", {"progressive": True, "subsampling": 0}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
@pytest.mark.parametrize(("height", "width"), [(90, 40), (64, 32), (300, 200), (7, 3), (1, 1)])
def test_frame_is_exactly_what_training_reads(kind, options, height, width):
    data = encoded(drawn_picture(3, height=height, width=width), kind, **options)

    frame = decoded(data)

    assert frame.shape == (64, 32, 3)
    assert frame.dtype == np.uint8
    assert np.array_equal(frame, as_training_reads(data))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "JPEG"), ("CMYK", "JPEG"), ("L", "PNG"), ("P", "PNG"), ("1", "PNG"), ("L", "WEBP")],
)
def test_other_opaque_modes_are_exactly_what_training_reads(mode, kind):
    data = encoded(drawn_picture(3, mode=mode), kind)

    assert np.array_equal(decoded(data), as_training_reads(data))


def test_red_green_and_blue_come_in_this_order():
    data = encoded(Image.new("RGB", (10, 20), (200, 100, 50)))

    assert decoded(data)[5, 5].tolist() == [200, 100, 50]


def test_cmyk_red_is_red():
    data = encoded(Image.new("CMYK", (10, 20), (0, 255, 255, 0)), "JPEG")

    red, green, blue = decoded(data)[5, 5].tolist()

    assert red > 240
    assert max(green, blue) < 15


def test_sixteen_bit_grey_keeps_its_upper_bits():
    levels = np.full((20, 10), 0x8040, dtype=np.uint16)

    assert decoded(encoded(Image.fromarray(levels)))[5, 5].tolist() == [128, 128, 128]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_pixels_are_mid_grey(kind):
    picture = Image.new("RGBA", (10, 20), (255, 0, 0, 0))

    assert decoded(encoded(picture, kind))[5, 5].tolist() == [128, 128, 128]


def test_half_transparent_pixels_are_half_grey():
    picture = Image.new("RGBA", (10, 20), (255, 0, 0, 128))

    assert decoded(encoded(picture))[5, 5].tolist() == pytest.approx([192, 64, 64], abs=1)


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_transparent_colour_is_mid_grey(mode):
    picture = Image.new(mode, (10, 20))
    colour = (0, 0, 0) if mode == "RGB" else 0

    assert decoded(encoded(picture, transparency=colour))[5, 5].tolist() == [128, 128, 128]


def test_opaque_alpha_changes_nothing():
    picture = drawn_picture(3)

    assert np.array_equal(decoded(encoded(picture.convert("RGBA"))), decoded(encoded(picture)))


def test_orientation_tag_is_not_applied():
    exif = Image.Exif()
    exif[0x0112] = 6

    turned = encoded_frame(3, "JPEG", exif=exif)

    assert np.array_equal(decoded(turned), decoded(encoded_frame(3, "JPEG")))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.5, 0.8])
def test_truncated_pixels_are_refused(kind, kept):
    data = encoded(Image.effect_noise((40, 90), 60), kind)

    reason = reason_of(data[: int(len(data) * kept)])

    assert reason.startswith(
        f"expected a whole {kind} picture of 40 x 90 px, received data that cannot be decoded"
    )
    assert reason.endswith("; send the file again")
    assert "0x" not in reason


def test_damaged_pixels_are_refused_in_png():
    data = bytearray(encoded_frame(3))
    data[len(data) // 2] ^= 0xFF

    assert "cannot be decoded" in reason_of(bytes(data))


def test_compressed_text_bomb_is_refused():
    bomb = b"note\x00\x00" + zlib.compress(bytes(50_000_000), 9)

    reason = reason_of(with_png_chunk(encoded_frame(3), b"zTXt", bomb))

    assert "Decompressed data too large" in reason


def test_compressed_colour_profile_bomb_is_refused():
    bomb = b"profile\x00\x00" + zlib.compress(bytes(50_000_000), 9)

    assert "cannot be decoded" in reason_of(with_png_chunk(encoded_frame(3), b"iCCP", bomb))


def test_codec_that_disagrees_with_the_header_is_refused():
    header = ImageHeader("PNG", 41, 90, encoded_frame(3))

    with pytest.raises(UnreadableImageError, match=r"the codec reads 40 x 90 px"):
        decode_pixels(header, PREPROCESSING)


def test_codec_is_held_to_the_format_of_the_header():
    header = ImageHeader("JPEG", 40, 90, encoded_frame(3, "PNG"))

    with pytest.raises(UnreadableImageError, match=r"cannot be decoded; send the file again"):
        decode_pixels(header, PREPROCESSING)


def by_pillow_alone(data, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(pixels, "_by_libjpeg", lambda *_: None)
        return decoded(data)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_rows": 1}]
)
@pytest.mark.parametrize("size", [(90, 41), (257, 129), (8, 8), (2, 1)])
def test_jpeg_without_pillow_has_the_pixels_of_pillow(subsampling, options, size, monkeypatch):
    height, width = size
    noisy = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noisy), "JPEG", subsampling=subsampling, **options)

    assert pixels._by_libjpeg(read_header(data)) is not None
    assert np.array_equal(decoded(data), by_pillow_alone(data, monkeypatch))


@pytest.mark.parametrize("mode", ["CMYK", "RGB"])
def test_jpeg_in_other_colours_is_left_to_pillow(mode):
    data = encoded(
        drawn_picture(3, mode=mode), "JPEG", **({"keep_rgb": True} if mode == "RGB" else {})
    )

    assert pixels._by_libjpeg(read_header(data)) is None
    assert np.array_equal(decoded(data), as_training_reads(data))


def test_jpeg_of_another_size_than_its_header_is_left_to_pillow():
    header = ImageHeader("JPEG", 41, 90, encoded_frame(3, "JPEG"))

    with pytest.raises(UnreadableImageError, match=r"the codec reads 40 x 90 px"):
        decode_pixels(header, PREPROCESSING)


def test_damaged_jpeg_is_read_or_refused_as_pillow_does(monkeypatch):
    whole = encoded(Image.effect_noise((40, 90), 60), "JPEG")
    places = np.random.default_rng(0).integers(len(whole) // 3, len(whole), 60)
    outcomes = set()
    for place in places:
        data = bytearray(whole)
        data[place] ^= 0x55
        try:
            expected = by_pillow_alone(bytes(data), monkeypatch)
        except UnreadableImageError:
            assert "cannot be decoded" in reason_of(bytes(data))
            outcomes.add("refused")
        else:
            assert np.array_equal(decoded(bytes(data)), expected)
            outcomes.add("read")
    assert "read" in outcomes
