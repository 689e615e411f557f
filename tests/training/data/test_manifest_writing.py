"""Round trip: what is written is read as the same tracklets, and nothing is half written."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.data.drawn_layouts import small_world
from training.data.catalogue import CATALOGUE, read_data_set
from training.data.data_set import Split
from training.data.manifest_csv import read_manifest
from training.data.manifest_writing import write_manifest
from training.data.synthetic_catalogue import LAYOUT_WRITERS
from training.data.tracklet import Tracklet

NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=8)
PLAIN = NAMES.filter(lambda text: text[0] not in "=+@")
FRAMES = PLAIN.filter(lambda text: not set(text) & set("/\\") and text.strip("."))
DRAWN = st.builds(
    dict,
    identity=st.integers(-1, 2**31 - 1),
    camera=st.none() | st.integers(0, 2**31 - 1),
    outfit=st.none() | PLAIN,
    start_s=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    frames=st.lists(FRAMES, min_size=1, max_size=3, unique=True),
    part=st.sampled_from(["train", "query", "gallery", "both"]),
)
SUFFIXES = pytest.mark.parametrize("suffix", [".csv", ".parquet"])


def drawn_split(folder, drawn):
    """A split of tracklets with real, empty frames; each tracklet's in a folder of its own."""
    parts = {"train": [], "query": [], "gallery": [], "both": []}
    for number, (name, about) in enumerate(sorted(drawn.items())):
        place = folder / str(number)
        place.mkdir()
        frames = tuple(place / frame for frame in about["frames"])
        for frame in frames:
            frame.touch()
        told = {key: about[key] for key in ("identity", "camera", "outfit", "start_s")}
        parts[about["part"]].append(Tracklet(name=name, frames=frames, **told))

    def part(*names):
        return tuple(sorted((t for n in names for t in parts[n]), key=lambda t: t.name))

    return Split("drawn", part("train"), part("query", "both"), part("gallery", "both"))


@SUFFIXES
@given(drawn=st.dictionaries(PLAIN, DRAWN, min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read_as_it_was(suffix, drawn):
    with tempfile.TemporaryDirectory() as name:
        split = drawn_split(Path(name), drawn)
        path = Path(name) / f"table{suffix}"
        rows = write_manifest(split, path)
        read = read_manifest(path).split()
        assert rows == sum(len(about["frames"]) for about in drawn.values())
        assert (read.train, read.query, read.gallery) == (split.train, split.query, split.gallery)


@pytest.mark.parametrize("layout", [name for name in LAYOUT_WRITERS if name in CATALOGUE])
def test_every_layout_becomes_a_manifest_of_the_same_tracklets(layout, tmp_path):
    LAYOUT_WRITERS[layout](small_world(), tmp_path, frames=2)
    split = read_data_set(layout, tmp_path).split()
    write_manifest(split, tmp_path / "manifest.csv")
    read = read_data_set("manifest", tmp_path).split()
    assert (read.train, read.gallery) == (split.train, split.gallery)
    # DukeMTMC-VideoReID has the frames of its queries twice.
    searched = {tracklet.name: tracklet for tracklet in split.gallery}
    assert read.query == tuple(searched.get(query.name, query) for query in split.query)


@pytest.fixture
def split(tmp_path):
    about = {"identity": 5, "camera": 1, "outfit": None, "start_s": None, "frames": ["b", "a"]}
    train, query = {**about, "part": "train"}, {**about, "identity": 0, "part": "both"}
    return drawn_split(tmp_path, {"t": train, "q": query})


def test_words_are_written_for_nobody_and_no_empty_columns(split, tmp_path):
    write_manifest(split, tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text().splitlines() == [
        "frame,identity,camera,tracklet,split",
        "1/b,5,1,t,train",
        "1/a,5,1,t,train",
        "0/b,distractor,1,q,query+gallery",
        "0/a,distractor,1,q,query+gallery",
    ]


def test_a_second_copy_of_a_query_is_the_tracklet_of_the_gallery(split, tmp_path):
    copy = replace(split.query[0], frames=split.train[0].frames)
    write_manifest(replace(split, query=(copy,), train=()), tmp_path / "m.csv")
    assert read_manifest(tmp_path / "m.csv").split().query == split.query


def test_frames_may_lie_in_linked_folders(split, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "frames").symlink_to(tmp_path / "1")
    linked = replace(split.train[0], frames=(tmp_path / "here" / "frames" / "a",))
    write_manifest(Split("x", (linked,)), tmp_path / "here" / "m.csv")
    assert read_manifest(tmp_path / "here" / "m.csv").split().train == (linked,)


def test_what_cannot_be_written_is_refused(split, tmp_path):
    inside = tmp_path / "0" / "m.csv"
    twice = replace(split, gallery=(replace(split.gallery[0], name="t"),), query=())
    with pytest.raises(ValueError, match="frames below the folder .* write the manifest to a fold"):
        write_manifest(split, inside)
    with pytest.raises(ValueError, match="expected each tracklet's name once, received 't' again"):
        write_manifest(twice, tmp_path / "m.csv")
    with pytest.raises(ValueError, match="expected tracklets in split 'none', received none"):
        write_manifest(Split("none", ()), tmp_path / "m.csv")
    with pytest.raises(ValueError, match="ends in .csv or .parquet, received 'm.xlsx'; rename it"):
        write_manifest(split, tmp_path / "m.xlsx")
    with pytest.raises(ValueError, match="expected a plain tracklet, received the formula '=1'"):
        write_manifest(Split("x", (replace(split.train[0], name="=1"),)), tmp_path / "m.csv")
    assert not inside.exists()
    assert not (tmp_path / "m.csv").exists()


def test_a_file_in_use_is_left_alone(split, tmp_path):
    (tmp_path / "m.csv").write_text("kept")
    with pytest.raises(ValueError, match="expected a new file, received .* in use; remove it or"):
        write_manifest(split, tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text() == "kept"


@SUFFIXES
def test_a_full_disk_leaves_nothing(suffix, split, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_manifest(split, tmp_path / f"m{suffix}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]
