"""A user's own data as tracklets: what is in the table, in time order, or one error."""

import pytest

from tests.manifest_files import EXAMPLE, HEADER, write_table
from training.data.manifest_csv import MANIFEST, read_manifest
from training.data.tracklet import Tracklet

HOUR = 1769846400.0  # 2026-01-31T08:00:00 UTC


def read(folder, rows, header=HEADER):
    return read_manifest(write_table(folder, "\n".join([header, *rows, ""])))


def error_of(folder, rows, header=HEADER):
    with pytest.raises(ValueError, match="expected") as refusal:
        read(folder, rows, header)
    return str(refusal.value)


def test_the_example_of_the_documentation(tmp_path):
    data_set = read_manifest(write_table(tmp_path, EXAMPLE))
    assert data_set.name == "manifest"
    (split,) = data_set.splits
    assert split.train == (Tracklet("ann-1", 1, 1, (tmp_path / "a/1.jpg", tmp_path / "a/2.jpg")),)
    assert split.query == (Tracklet("bob-1", 2, None, (tmp_path / "b/1.jpg",), start_s=HOUR),)
    assert split.gallery == (
        Tracklet("bob-2", 2, 2, (tmp_path / "b/3.jpg", tmp_path / "b/2.jpg"), start_s=HOUR + 3600),
    )


def test_the_folder_is_enough_where_it_has_one_manifest(tmp_path):
    path = write_table(tmp_path, EXAMPLE)
    assert MANIFEST.read(tmp_path) == read_manifest(path)
    (tmp_path / "manifest.parquet").touch()
    with pytest.raises(
        ValueError, match="manifest.csv or manifest.parquet in .*, received both; set"
    ):
        read_manifest(tmp_path)
    with pytest.raises(ValueError, match="received nothing at all; set the root to the manifest"):
        read_manifest(tmp_path / "absent")


def test_numbers_are_kept_and_words_mean_nobody(tmp_path):
    rows = [
        "1,1500,7,t1,train",
        "2,0012,3,t2,train",
        "3,-1,3,t3,gallery",
        "4,junk,3,t4,gallery",
        "5,0,3,t5,gallery",
        "6,Distractor,3,t6,gallery",
        "7,0000,3,t7,gallery",
    ]
    split = read(tmp_path, rows).split()
    assert [(t.identity, t.camera) for t in split.train] == [(1500, 7), (12, 3)]
    assert [t.identity for t in split.gallery] == [-1, -1, 0, 0, 0]


def test_names_are_numbered_in_sorted_order_whatever_the_order_of_rows(tmp_path):
    rows = ["1,zoe,yard,t1,train", "2,ann,door,t2,train", "3,12,hall,t3,train", "4,0,,t4,train"]
    for order in (rows, rows[::-1]):
        numbers = [(t.identity, t.camera) for t in read(tmp_path, order).split().train]
        assert numbers == [(3, 3), (2, 1), (1, 2), (0, None)]


def test_a_query_may_be_searched_too(tmp_path):
    split = read(tmp_path, ["1,5,1,q,query+gallery", "2,5,2,g,gallery", "3,5,3,a,query"]).split()
    assert [t.name for t in split.query] == ["a", "q"]
    assert [t.name for t in split.gallery] == ["g", "q"]
    assert split.query[1] == split.gallery[1]


def test_outfits_give_a_second_split(tmp_path):
    header = HEADER + ",outfit"
    data_set = read(tmp_path, ["1,5,1,q,query,red", "2,5,2,g,gallery,"], header)
    general, changing = data_set.splits
    assert (general.name, general.excludes_same_outfit) == ("general", False)
    assert (changing.name, changing.excludes_same_outfit) == ("clothes-changing", True)
    assert general.query == changing.query
    assert [general.query[0].outfit, general.gallery[0].outfit] == ["red", None]


def test_frames_go_by_timestamp_or_else_by_row(tmp_path):
    header = HEADER + ",timestamp"
    rows = [
        "z,5,1,t,train,10.5",
        "a,5,1,t,train,2",
        "m,5,1,t,train,2",
        "b,6,1,u,train,",
        "a2,6,1,u,train,",
    ]
    first, second = read(tmp_path, rows, header).split().train
    assert [path.name for path in first.frames] == ["a", "m", "z"]
    assert first.start_s == 2.0
    assert [path.name for path in second.frames] == ["b", "a2"]
    assert second.start_s is None


def test_a_timestamp_on_the_first_row_alone_says_when_the_tracklet_began(tmp_path):
    rows = ["z,5,1,t,train,10.5", "a,5,1,t,train,"]
    (tracklet,) = read(tmp_path, rows, HEADER + ",timestamp").split().train
    assert ([path.name for path in tracklet.frames], tracklet.start_s) == (["z", "a"], 10.5)


def test_moments_without_a_zone_are_in_utc(tmp_path):
    rows = [
        "1,5,1,a,train,2026-01-31T08:00:00",
        "2,5,1,b,train,2026-01-31T08:00:00Z",
        "3,5,1,c,train,2026-01-31 10:00:00+02:00",
    ]
    assert {t.start_s for t in read(tmp_path, rows, HEADER + ",timestamp").split().train} == {HOUR}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("2,6,1,t,train", "expected one identity in tracklet 't', received '6' after '5' in row 2"),
        ("2,5,9,t,train", "expected one camera in tracklet 't', received '9' after '1' in row 2"),
        ("2,5,1,t,query", "expected one split in tracklet 't', received 'query' after 'train' in"),
    ],
)
def test_a_tracklet_is_one_person_before_one_camera_in_one_split(row, problem, tmp_path):
    message = error_of(tmp_path, ["1,5,1,t,train", row])
    assert f"row 3: {problem}" in message
    assert "give each tracklet a name of its own" in message


def test_some_timestamps_of_a_tracklet_are_refused(tmp_path):
    rows = ["1,5,1,t,train,", "2,5,1,t,train,4", "3,5,1,u,train,", "4,5,1,v,train,3"]
    message = error_of(tmp_path, rows, HEADER + ",timestamp")
    assert (
        "row 2: expected a timestamp for every frame of tracklet 't', or for its first" in message
    )
    assert "1 problem;" in message
