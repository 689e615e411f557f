import base64

import pytest

from service.api.base64_frames import decode_frames
from service.errors import InvalidInput, NoReadableFrame, TooManyFrames

TEXT = base64.b64encode(b"a file").decode()


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"data:image/jpeg;base64,{TEXT}",
        f"data:;base64,{TEXT}",
        f"DATA:image/PNG;charset=x;BASE64,{TEXT}",
    ],
)
def test_base64_and_data_uris_are_the_file(text):
    assert decode_frames([text, TEXT], most=2).files == (b"a file", b"a file")


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("###", "text that is not base64"),
        ("YQ", "text that is not base64"),
        ("é", "text that is not base64"),
        (f"data:image/jpeg;base64,{TEXT}\n", "text that is not base64"),
        ("data:image/jpeg,plain", "a data URI without `;base64,`"),
        ("data:image/jpeg;base64", "a data URI without `;base64,`"),
        ("https://example.org/a.jpg", "another kind of address: the service fetches nothing"),
        ("file:///etc/passwd", "another kind of address: the service fetches nothing"),
    ],
)
def test_other_text_is_refused_and_nothing_is_fetched(text, received):
    with pytest.raises(InvalidInput) as caught:
        decode_frames([TEXT, text], most=9)
    assert str(caught.value) == (
        "expected `frames[1]` to be base64 of a picture file, or a data URI of it, "
        f"received {received}; encode the whole file: data:image/jpeg;base64,..."
    )


def test_a_tracklet_has_a_frame():
    with pytest.raises(NoReadableFrame) as caught:
        decode_frames([], most=9, name="input[2]")
    assert str(caught.value) == (
        "expected at least one frame in `input[2]`, received none; "
        "send base64 of a picture file, or a data URI of it for each frame"
    )


def test_a_tracklet_has_no_more_frames_than_allowed():
    assert len(decode_frames([TEXT] * 3, most=3).files) == 3
    with pytest.raises(TooManyFrames) as caught:
        decode_frames([TEXT] * 4, most=3)
    assert str(caught.value) == (
        "expected at most 3 frames in `frames`, received 4; "
        "send frames spread evenly over the tracklet, or raise the service's limit"
    )
