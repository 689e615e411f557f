import base64
import io

import numpy as np
import pytest
from PIL import Image

from training.data.tracklet import Tracklet
from training.visualize.pictures import (
    frame_strip,
    heat_colours,
    heat_over_frame,
    jpeg_data_uri,
)


@pytest.fixture
def long_tracklet(tmp_path):
    """Twenty grey frames, each lighter than the one before."""
    paths = []
    for place in range(20):
        paths.append(tmp_path / f"{place:02d}.png")
        Image.new("RGB", (30, 70), (place * 12,) * 3).save(paths[-1])
    return Tracklet("grey", 1, 1, tuple(paths))


def pixels(uri):
    kind, encoded = uri.split(",")
    assert kind == "data:image/jpeg;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))


def test_a_strip_holds_evenly_spaced_frames_in_time_order(long_tracklet):
    strip = [pixels(uri) for uri in frame_strip(long_tracklet, most=5)]
    assert [frame.shape for frame in strip] == [(128, 64, 3)] * 5
    steps = np.diff([frame.mean() for frame in strip])
    assert (steps > 20).all()
    assert steps.max() - steps.min() < 15


def test_a_short_tracklet_shows_each_frame_once(long_tracklet):
    short = Tracklet("short", 1, 1, long_tracklet.frames[:3])
    assert len(frame_strip(short)) == 3


def test_a_frame_that_is_no_image_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"bad\.jpg"):
        frame_strip(Tracklet("bad", 1, 1, (tmp_path / "bad.jpg",)))


def test_the_same_pixels_are_the_same_bytes():
    frame = np.random.default_rng(0).integers(0, 256, (32, 16, 3), dtype=np.uint8)
    assert jpeg_data_uri(frame) == jpeg_data_uri(frame.copy())


def test_heat_is_resized_to_the_frame_and_light_where_it_is_hot():
    frame = np.full((64, 32, 3), 100, dtype=np.uint8)
    heat = np.zeros((4, 2), dtype=np.float32)
    heat[3, 1] = 2.0
    overlaid = heat_over_frame(frame, heat, hottest=2.0)
    assert overlaid.shape == frame.shape
    brightness = overlaid.sum(axis=2)
    assert brightness[-1, -1] == brightness.max()
    assert brightness[0, 0] == brightness.min()


def test_the_scale_is_the_same_for_every_frame_of_a_row():
    frame = np.full((8, 4, 3), 100, dtype=np.uint8)
    cold, hot = np.full((2, 1), 0.5), np.full((2, 1), 1.0)
    assert (
        heat_over_frame(frame, cold, hottest=1.0).sum()
        < heat_over_frame(frame, hot, hottest=1.0).sum()
    )
    assert (
        heat_over_frame(frame, cold, hottest=0.5) == heat_over_frame(frame, hot, hottest=1)
    ).all()


def test_a_map_of_zeros_is_cold_everywhere():
    frame = np.full((8, 4, 3), 100, dtype=np.uint8)
    overlaid = heat_over_frame(frame, np.zeros((2, 1)), hottest=0.0)
    expected = 0.45 * 100 + 0.55 * heat_colours(np.array(0.0))
    np.testing.assert_allclose(overlaid[0, 0], expected.round())


def test_hotter_is_lighter_also_in_grey():
    luminance = heat_colours(np.linspace(0, 1, 50)) @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(luminance) > 0).all()
