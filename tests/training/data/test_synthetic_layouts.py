"""Laws of the layouts on disk: what is read back is the world; a directory is whole or absent."""

import json
import re
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from training.data.market1501 import read_market1501_folder
from training.data.synthetic import FRAMES_PER_SECOND, SyntheticWorld
from training.data.synthetic_layouts import write_market1501, write_tracklet_tree

WRITERS = pytest.mark.parametrize("write", [write_tracklet_tree, write_market1501])


@pytest.fixture
def world():
    return SyntheticWorld(seed=3, identities=3, cameras=3, height=64, width=32)


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def sidecar(folder):
    return json.loads((folder / "tracklet.json").read_text(encoding="utf-8"))


def test_a_tree_holds_each_identity_once_as_query_and_elsewhere_in_the_gallery(world, tmp_path):
    write_tracklet_tree(world, tmp_path / "tree", recordings=2, frames=2)
    queries = [sidecar(path) for path in sorted((tmp_path / "tree/query").iterdir())]
    gallery = [sidecar(path) for path in sorted((tmp_path / "tree/gallery").iterdir())]
    assert [query["identity"] for query in queries] == ["person-00", "person-01", "person-02"]
    assert len(gallery) == 3 * 2 * 2
    for query in queries:
        cameras = {row["camera"] for row in gallery if row["identity"] == query["identity"]}
        assert len(cameras) == 2
        assert query["camera"] not in cameras


def test_queries_come_from_different_cameras(world, tmp_path):
    write_tracklet_tree(world, tmp_path / "tree", frames=1)
    cameras = {sidecar(path)["camera"] for path in (tmp_path / "tree/query").iterdir()}
    assert cameras == {"camera-0", "camera-1", "camera-2"}


def test_a_tracklet_directory_holds_the_frames_and_metadata_of_its_name(world, tmp_path):
    write_tracklet_tree(world, tmp_path / "tree", recordings=2, frames=3)
    folder = tmp_path / "tree/gallery/person-01_camera-2_1"
    assert sorted(path.name for path in folder.iterdir()) == [
        "000.jpg",
        "001.jpg",
        "002.jpg",
        "tracklet.json",
    ]
    tracklet = world.tracklet(1, 2, 1, frames=3)
    for position, frame in enumerate(tracklet.frames):
        with Image.open(folder / f"{position:03d}.jpg") as image:
            assert np.abs(np.asarray(image).astype(int) - frame).mean() < 6
    metadata = sidecar(folder)
    assert metadata["identity"] == "person-01"
    assert metadata["camera"] == "camera-2"
    assert metadata["attributes"] == dict(world.look(1).attributes())
    start, end = (datetime.fromisoformat(metadata[key]) for key in ("start", "end"))
    assert start.tzinfo is not None
    assert (end - start).total_seconds() == pytest.approx(3 / FRAMES_PER_SECOND, abs=0.002)


def test_recordings_do_not_overlap_in_time(world, tmp_path):
    write_tracklet_tree(world, tmp_path / "tree", recordings=2, frames=2)
    first = sidecar(tmp_path / "tree/gallery/person-01_camera-2_0")
    second = sidecar(tmp_path / "tree/gallery/person-01_camera-2_1")
    assert first["end"] < second["start"]


def test_names_stay_in_order_with_more_than_a_hundred_people(tmp_path):
    many = SyntheticWorld(seed=0, identities=101, cameras=2, height=32, width=16)
    write_tracklet_tree(many, tmp_path / "tree", frames=1)
    names = sorted(path.name for path in (tmp_path / "tree/query").iterdir())
    assert names[0] == "person-000_camera-0_0"
    assert names[-1] == "person-100_camera-0_0"


def test_market_files_are_named_and_counted_as_in_market1501(world, tmp_path):
    write_market1501(world, tmp_path / "market", recordings=2, frames=4)
    names = [path.name for path in (tmp_path / "market/bounding_box_train").iterdir()]
    assert len(names) == 3 * 3 * 2 * 4
    assert all(re.fullmatch(r"000[123]_c[123]s[12]_\d{6}_01\.jpg", name) for name in names)


def test_market_files_are_read_back_as_the_same_tracklets(world, tmp_path):
    write_market1501(world, tmp_path / "market", recordings=2, frames=4)
    tracklets = read_market1501_folder(tmp_path / "market/bounding_box_train")
    assert len(tracklets) == 3 * 3 * 2
    assert {(each.identity, each.camera) for each in tracklets} == {
        (identity, camera) for identity in (1, 2, 3) for camera in (1, 2, 3)
    }
    third = next(each for each in tracklets if each.name == "0002_c3s2")
    for path, frame in zip(third.frames, world.tracklet(1, 2, 1, frames=4).frames, strict=True):
        with Image.open(path) as image:
            assert np.abs(np.asarray(image).astype(int) - frame).mean() < 6


@WRITERS
def test_the_same_world_writes_the_same_bytes(write, world, tmp_path):
    write(world, tmp_path / "one", frames=2)
    write(world, tmp_path / "two", frames=2)
    assert files(tmp_path / "one") == files(tmp_path / "two") != {}


@WRITERS
def test_progress_counts_to_the_number_of_tracklets(write, world, tmp_path):
    calls = []
    write(world, tmp_path / "new", frames=1, progress=lambda *counts: calls.append(counts))
    assert calls == [(done, 9) for done in range(1, 10)]


@WRITERS
def test_an_empty_directory_is_filled_and_nothing_else_is_left_behind(write, world, tmp_path):
    (tmp_path / "here").mkdir()
    write(world, tmp_path / "here", frames=1)
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert files(tmp_path / "here")


@WRITERS
def test_a_directory_in_use_is_refused_and_left_alone(write, world, tmp_path):
    (tmp_path / "mine").write_text("kept")
    message = "to be absent or an empty directory, received one in use; remove it or choose another"
    with pytest.raises(ValueError, match=message):
        write(world, tmp_path)
    with pytest.raises(ValueError, match=message):
        write(world, tmp_path / "mine")
    assert files(tmp_path) == {"mine": b"kept"}


@WRITERS
def test_an_interrupted_writer_leaves_nothing(write, world, tmp_path):
    def interrupt(written, _):
        if written == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(world, tmp_path / "new", frames=1, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@WRITERS
def test_others_may_read_the_directory_as_they_may_any_new_one(write, world, tmp_path):
    (tmp_path / "usual").mkdir()
    write(world, tmp_path / "new", frames=1)
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(
    ("write", "numbers", "message"),
    [
        (write_tracklet_tree, {"recordings": 0}, "expected recordings of 1 or more"),
        (write_tracklet_tree, {"frames": 1001}, "expected frames of 1 to 1000"),
        (write_market1501, {"recordings": 10}, "expected recordings of 1 to 9"),
        (write_market1501, {"frames": 0}, "expected frames of 1 to 1000"),
    ],
)
def test_numbers_a_layout_cannot_name_are_refused(write, numbers, message, world, tmp_path):
    with pytest.raises(ValueError, match=message) as refusal:
        write(world, tmp_path / "new", **numbers)
    (received,) = numbers.values()
    assert f"for this layout, received {received}; choose a value" in str(refusal.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("write", "identities", "cameras", "message"),
    [
        (write_tracklet_tree, 2, 1, "expected cameras of 2 or more for this layout, received 1"),
        (write_market1501, 2, 10, "expected cameras of 1 to 9 for this layout, received 10"),
        (write_market1501, 10_000, 2, "expected identities of 1 to 9999 for this layout"),
    ],
)
def test_worlds_a_layout_cannot_name_are_refused(write, identities, cameras, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write(SyntheticWorld(0, identities, cameras), tmp_path / "new")
