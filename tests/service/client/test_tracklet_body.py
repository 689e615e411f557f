import msgpack
import numpy as np
import pytest

from service.api.schemas import MetadataBody
from service.client.client import ReidClient
from service.client.tracklet_body import packed_tracklet
from service.media.tracklet_source import EncodedFrames, RawFrames, VideoOfCrops
from tests.encoded_videos import encoded_video, shaded
from tests.people import frames_of

PIXELS = np.arange(2 * 5 * 4 * 3, dtype=np.uint8).reshape(2, 5, 4, 3)


@pytest.mark.parametrize(
    ("tracklet", "body"),
    [
        ([b"a", b"b"], {"frames": [b"a", b"b"]}),
        (EncodedFrames((b"a",)), {"frames": [b"a"]}),
        (VideoOfCrops(b"v"), {"video": b"v"}),
        (RawFrames(PIXELS), {"pixels": PIXELS.tobytes(), "shape": [2, 5, 4, 3]}),
        (RawFrames(PIXELS[:, ::-1]), {"pixels": PIXELS[:, ::-1].tobytes(), "shape": [2, 5, 4, 3]}),
    ],
)
def test_every_form_is_packed(tracklet, body):
    assert msgpack.unpackb(packed_tracklet(tracklet)) == body


def test_what_is_known_comes_beside_without_what_is_left_out():
    body = msgpack.unpackb(packed_tracklet([b"a"], "metadata", MetadataBody(camera="c", start=5)))
    assert body["metadata"] == {"camera": "c", "start": 5.0, "attributes": {}}


@pytest.mark.parametrize("pixels", [PIXELS.astype(float), PIXELS[0], PIXELS[..., :1]])
def test_pixels_of_another_type_or_shape(pixels):
    with pytest.raises(
        ValueError, match=r"expected pixels uint8 \[t, h, w, 3\], received .*; conv"
    ):
        packed_tracklet(RawFrames(pixels))


def test_the_service_takes_every_form(client: ReidClient):
    video = VideoOfCrops(encoded_video(shaded(12)))
    pixels = RawFrames(np.zeros((3, 64, 32, 3), np.uint8) + np.uint8(7))
    for tracklet, received in ((frames_of("red"), 3), (pixels, 3), (video, 12)):
        assert client.embed(tracklet).frames.received == received
        enrolled = client.enroll("a", tracklet, MetadataBody(camera="c1"))
        assert enrolled.frames is not None
        assert client.get("a").camera == "c1"
