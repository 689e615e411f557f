import numpy as np
import pytest
from PIL import Image

from model.manifest import FrameChoice, Preprocessing
from training.export.calibration_items import read_items

HEIGHT, WIDTH = 32, 16


def test_frames_of_all_folders_are_spread_evenly(tmp_path):
    _write(tmp_path, tracklets=3, frames=4)
    items = read_items(tmp_path, _preprocessing(None), most=6)
    assert items.shape == (6, HEIGHT, WIDTH, 3)
    assert items.dtype == np.uint8
    assert [int(value) for value in items[:, 0, 0, 0]] == [0, 2, 10, 12, 20, 22]


def test_a_clip_is_of_one_folder(tmp_path):
    _write(tmp_path, tracklets=2, frames=4)
    items = read_items(tmp_path, _preprocessing(2))
    assert items.shape == (2, 2, HEIGHT, WIDTH, 3)
    assert items[:, :, 0, 0, 0].tolist() == [[0, 2], [10, 12]]


def test_a_manifest_names_the_frames(tmp_path):
    _write(tmp_path, tracklets=2, frames=2)
    rows = [
        f"{folder}/{frame}.png,{folder + 1},1,{folder},train"
        for folder in range(2)
        for frame in range(2)
    ]
    table = tmp_path / "frames.csv"
    table.write_text("frame,identity,camera,tracklet,split\n" + "\n".join(rows) + "\n")
    assert len(read_items(table, _preprocessing(None))) == 4


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"expected images \(.*\.jpg.*received none; name a folder with real"
    ):
        read_items(tmp_path, _preprocessing(None))


def test_a_source_that_is_absent_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match="expected a folder of images or a manifest.*received nothing; name one"
    ):
        read_items(tmp_path / "absent", _preprocessing(None))


def _write(root, *, tracklets, frames):
    for tracklet in range(tracklets):
        (root / str(tracklet)).mkdir()
        for frame in range(frames):
            grey = Image.new("RGB", (WIDTH * 2, HEIGHT * 2), (10 * tracklet + frame,) * 3)
            grey.save(root / str(tracklet) / f"{frame}.png")


def _preprocessing(frames_per_clip):
    return Preprocessing(
        frames_per_clip=frames_per_clip,
        choice=FrameChoice(policy="evenly_spaced", most=8),
        height=HEIGHT,
        width=WIDTH,
        interpolation="bilinear_antialias",
        colour="RGB",
    )
