import io
import re
import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from service.media.image_header import UnreadableImageError, read_header
from tests.encoded_frames import (
    drawn_picture,
    encoded,
    encoded_frame,
    png_chunk,
    png_header,
    with_png_chunk,
)

SAVED_AS = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"comment": b"a comment"}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"exif": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00"}),
]


@pytest.mark.parametrize(("kind", "options"), SAVED_AS)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (40, 90), (300, 257)])
def test_header_agrees_with_the_codec(kind, options, width, height):
    data = encoded(drawn_picture(1, height=height, width=width), kind, **options)

    header = read_header(data)

    assert (header.format, header.width, header.height) == (kind, width, height)


def test_webp_with_alpha_is_read_from_its_canvas():
    picture = drawn_picture(1, mode="RGBA")
    picture.putalpha(100)

    header = read_header(encoded(picture, "WEBP"))

    assert (header.width, header.height) == (40, 90)


@pytest.mark.parametrize(
    ("data", "received"),
    [
        (encoded(drawn_picture(1), "GIF"), "GIF data"),
        (encoded(drawn_picture(1), "BMP"), "BMP data"),
        (encoded(drawn_picture(1), "TIFF"), "TIFF data"),
        (b"\x00\x00\x00\x1cftypavif" + bytes(20), "HEIF or AVIF data or a video"),
        (b"this is a text, whatever it is called", "37 bytes of no known picture format"),
    ],
)
def test_other_kinds_are_refused_by_name(data, received):
    with pytest.raises(UnreadableImageError) as refusal:
        read_header(data)

    assert str(refusal.value) == (
        f"expected JPEG, PNG, WEBP data, received {received}; convert the frame"
    )


@pytest.mark.parametrize(("kind", "options"), SAVED_AS)
def test_every_cut_header_is_refused_or_still_right(kind, options):
    data = encoded_frame(1, kind, **options)
    sizes = set()
    refusals = set()
    for length in range(1, len(data)):
        try:
            header = read_header(data[:length])
        except UnreadableImageError as error:
            refusals.add(str(error))
        else:
            sizes.add((header.width, header.height))

    assert sizes == {(40, 90)}
    assert refusals
    assert all(re.match(r"expected .+, received .+; \w+", text) for text in refusals)


@pytest.mark.parametrize(("kind", "length"), [("JPEG", 100), ("PNG", 20), ("WEBP", 25)])
def test_header_that_ends_too_soon_says_so(kind, length):
    with pytest.raises(UnreadableImageError, match="that end inside the header; send the file"):
        read_header(encoded_frame(1, kind)[:length])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_refused(kind):
    data = encoded(drawn_picture(1), kind, save_all=True, append_images=[drawn_picture(2)])

    with pytest.raises(UnreadableImageError) as refusal:
        read_header(data)

    assert str(refusal.value) == (
        f"expected a still picture, received an animated {kind}; send each frame as its own file"
    )


def test_animation_control_behind_the_pixels_is_found():
    data = encoded_frame(1)[:-12] + png_chunk(b"acTL", struct.pack(">II", 0, 0))

    with pytest.raises(UnreadableImageError, match="animated PNG"):
        read_header(data)


def test_png_that_opens_with_another_chunk_is_refused():
    data = encoded_frame(1)

    with pytest.raises(UnreadableImageError, match="opens with its header chunk"):
        read_header(data[:8] + png_chunk(b"tEXt", b"a\x00b") + data[8:])


def test_second_png_header_cannot_enlarge_the_picture():
    data = encoded_frame(1)
    second = png_header(50_000, 50_000)[8:]

    with pytest.raises(UnreadableImageError, match="expected one PNG header chunk, received 2"):
        read_header(data[:33] + second + data[33:])


def test_second_jpeg_frame_header_cannot_enlarge_the_picture():
    data = encoded_frame(1, "JPEG")
    second = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, 60_000, 60_000, 3) + bytes(9)

    with pytest.raises(UnreadableImageError, match=r"one JPEG frame header .* received 2"):
        read_header(data[:2] + second + data[2:])


def test_jpeg_without_frame_header_is_refused():
    data = encoded_frame(1, "JPEG")

    with pytest.raises(UnreadableImageError, match=r"one JPEG frame header .* received 0"):
        read_header(data[:2] + data[data.index(b"\xff\xda") :])


def test_jpeg_scan_bomb_is_refused():
    data = encoded_frame(1, "JPEG", progressive=True)
    last_scan = data[data.rindex(b"\xff\xda") : -2]

    with pytest.raises(UnreadableImageError, match="at most 100 JPEG scans, received 2"):
        read_header(data[:-2] + last_scan * 200 + data[-2:])


def test_webp_of_an_unknown_layout_is_refused():
    data = encoded_frame(1, "WEBP")

    with pytest.raises(UnreadableImageError, match="opens with VP8, VP8L or VP8X"):
        read_header(data[:12] + b"JUNK" + data[16:])


def test_jpeg_metadata_never_reaches_the_codec_and_changes_no_pixel():
    picture = drawn_picture(1)
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = encoded(picture, "JPEG", icc_profile=None)
    laden = encoded(picture, "JPEG", exif=exif, comment=b"who", icc_profile=b"colours" * 9)

    header = read_header(laden)

    assert header.picture == read_header(plain).picture
    assert b"who" not in header.picture
    with Image.open(io.BytesIO(header.picture)) as kept, Image.open(io.BytesIO(laden)) as whole:
        assert np.array_equal(np.asarray(kept), np.asarray(whole))


def test_fill_bytes_and_junk_between_jpeg_segments_are_skipped():
    data = encoded_frame(1, "JPEG")
    quantisation = data.index(b"\xff\xdb")

    header = read_header(data[:quantisation] + b"junk\xff\xff" + data[quantisation:])

    assert header == read_header(data)


def test_colour_coding_marker_is_kept_for_cmyk():
    data = encoded(drawn_picture(1, mode="CMYK"), "JPEG")

    assert b"Adobe" in data
    assert b"Adobe" in read_header(data).picture


def test_corrupt_exif_gives_no_warning():
    corrupt = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x09\x01\x12"
    data = encoded_frame(1, "JPEG", exif=corrupt)
    with pytest.warns(UserWarning, match="Corrupt EXIF data"), Image.open(io.BytesIO(data)):
        pass

    with warnings.catch_warnings(), Image.open(io.BytesIO(read_header(data).picture)) as image:
        warnings.simplefilter("error")
        image.load()


def test_png_with_many_chunks_is_walked_once():
    data = with_png_chunk(encoded_frame(1), b"tEXt", b"a\x00" + b"b" * 1000)

    assert read_header(data).picture == data
