import numpy as np
import pytest
from PIL import Image

from training.data.data_set import DataSet, Split
from training.data.tracklet import Tracklet
from training.visualize.shown_tracklet import (
    find_tracklet,
    read_shown_frames,
    tracklet_of_data_set,
    tracklet_of_folder,
)


@pytest.fixture
def folder(tmp_path):
    """Ten frames, each lighter than the one before, and a note."""
    for place in range(10):
        Image.new("RGB", (20, 40), (place * 20,) * 3).save(tmp_path / f"{place:02d}.PNG")
    (tmp_path / "notes.txt").write_text("of a walk")
    return tmp_path


def test_a_folder_is_a_tracklet_in_the_order_of_its_names(folder):
    tracklet = tracklet_of_folder(folder)
    assert tracklet.name == folder.name
    assert [path.name for path in tracklet.frames] == [f"{place:02d}.PNG" for place in range(10)]


def test_shown_frames_are_evenly_spaced_and_of_the_models_size(folder):
    frames = read_shown_frames(tracklet_of_folder(folder), most=4, size=(64, 32))
    assert frames.shape == (4, 64, 32, 3)
    assert (np.diff(frames.mean(axis=(1, 2, 3))) > 30).all()
    assert len(read_shown_frames(tracklet_of_folder(folder), most=99, size=(64, 32))) == 10


def test_a_folder_without_frames_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a folder of frames, received .*nowhere"):
        tracklet_of_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"expected images \(\.bmp, .*\) in .*, received none"):
        tracklet_of_folder(tmp_path)


def test_a_tracklet_is_found_in_any_part_of_any_split(folder):
    frames = tracklet_of_folder(folder).frames
    first, second, third, fourth = (Tracklet(name, 1, 1, frames) for name in "abcd")
    data_set = DataSet(
        "made", (Split("one", (first,)), Split("two", (), query=(second,), gallery=(third, fourth)))
    )
    for name in "abcd":
        assert tracklet_of_data_set(data_set, name).name == name
    with pytest.raises(
        ValueError, match=r"one of 4 tracklets of made \(a, b, c, …\), received 'x'"
    ):
        tracklet_of_data_set(data_set, "x")


def test_a_folder_or_a_data_set_is_named_and_not_both(folder, drawn_root):
    assert find_tracklet(folder, data=None, root=None, name=None).name == folder.name
    for given in (
        (None, None, None, None),
        (None, "market1501", drawn_root, None),
        (folder, "market1501", None, None),
        (folder, None, None, "name"),
        (folder, None, drawn_root, None),
    ):
        place, data, root, name = given
        with pytest.raises(ValueError, match="received neither or a mixture; give one of both"):
            find_tracklet(place, data=data, root=root, name=name)


def test_a_tracklet_of_a_data_set_is_found_by_name(drawn_root, drawn_tracklets):
    name = drawn_tracklets[3].name
    found = find_tracklet(None, data="market1501", root=drawn_root.parent, name=name)
    assert found.frames == drawn_tracklets[3].frames
