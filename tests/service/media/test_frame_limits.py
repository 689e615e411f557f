import pytest

from service.media.frame_limits import FrameLimits, check_header
from service.media.image_header import UnreadableImageError
from tests.encoded_frames import encoded_frame, png_header
from tests.media_decoding import FRAME_LIMITS


def reason_of(data, limits=FRAME_LIMITS):
    with pytest.raises(UnreadableImageError) as refusal:
        check_header(data, limits)
    return str(refusal.value)


def test_bytes():
    assert reason_of(bytes(200_001)) == (
        "expected at most 200000 bytes, received 200001; send the crop of one person"
    )


def test_nothing():
    assert reason_of(b"") == "expected a picture, received 0 bytes; send the file's content"


def test_side():
    assert reason_of(png_header(1001, 2)) == (
        "expected sides of 1 to 1000 px, received 1001 x 2 px; send the crop of one person"
    )
    assert "received 2 x 1001 px" in reason_of(png_header(2, 1001))


def test_no_side():
    assert "sides of 1 to 1000 px, received 0 x 9 px" in reason_of(png_header(0, 9))


def test_pixels():
    assert reason_of(png_header(1000, 101)) == (
        "expected at most 100000 pixels, received 1000 x 101 px; send the crop of one person"
    )


def test_limits_themselves_are_allowed():
    assert check_header(png_header(1000, 100), FRAME_LIMITS).width == 1000


def test_format_outside_the_setting():
    limits = FrameLimits(max_bytes=9999, max_pixels=9999, max_side_px=999, formats=("JPEG",))

    assert reason_of(encoded_frame(1), limits) == (
        "expected JPEG data, received PNG data; convert the frame"
    )


@pytest.mark.parametrize("formats", [("JPEG", "GIF"), ()])
def test_format_that_cannot_be_decoded_is_refused_at_start(formats):
    with pytest.raises(ValueError, match="expected formats out of JPEG, PNG, WEBP, received"):
        FrameLimits(max_bytes=9, max_pixels=9, max_side_px=9, formats=formats)


def test_pixels_beyond_the_codecs_warning_are_refused_at_start():
    with pytest.raises(ValueError, match="at most 67108864 pixels a frame, received 90000000"):
        FrameLimits(max_bytes=9, max_pixels=90_000_000, max_side_px=9, formats=("PNG",))
