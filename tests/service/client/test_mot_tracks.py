import pytest

from service.client.mot_tracks import MotTracksError, Track, TrackBox, read_mot_tracks


@pytest.fixture
def read(tmp_path):
    def reader(text, class_id=1):
        path = tmp_path / "gt.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_mot_tracks(path, class_id=class_id)

    return reader


def refusal(read, text, **options):
    with pytest.raises(MotTracksError) as caught:
        read(text, **options)
    return str(caught.value)


def test_boxes_come_by_track_and_frame_and_are_counted_from_0(read):
    found = read("2,7,11,21,30,60,1,1,1\n1,7,10.5,20,30,60,1,1,1\n1,3,1,1,5,6,1,1,1\n")

    assert found.tracks == (
        Track(3, (TrackBox(1, 0, 0, 5, 6),)),
        Track(7, (TrackBox(1, 9.5, 19, 30, 60), TrackBox(2, 10, 20, 30, 60))),
    )
    assert found.left_out == 0


@pytest.mark.parametrize(
    "line",
    [
        "1,3,1,1,5,6",
        "1,3,1,1,5,6,0.93",
        "1,3,1,1,5,6,0.93,-1,-1,-1",
        "1, 3, 1, 1, 5, 6, -1, -1, -1, -1",
        "1.0,3.00,1,1,5,6,1,1,0.5",
        "\n1,3,1,1,5,6\n\n",
    ],
)
def test_every_way_in_which_tools_write_a_line(read, line):
    assert read(line).tracks == (Track(3, (TrackBox(1, 0, 0, 5, 6),)),)


def test_what_is_not_to_be_considered_and_other_classes_are_left_out_and_counted(read):
    text = "1,3,1,1,5,6,1,1,1\n1,4,1,1,5,6,0,1,1\n1,5,1,1,5,6,1,2,1\n1,6,1,1,5,6,1,-1,1\n"

    found = read(text)
    assert [track.track_id for track in found.tracks] == [3, 6]
    assert found.left_out == 2
    assert [track.track_id for track in read(text, class_id=2).tracks] == [5, 6]


@pytest.mark.parametrize("line", ["1,2,3", "a,b,c,d,e,f", "1,3,1,nan,5,6", "1;3;1;1;5;6"])
def test_a_line_that_is_none(read, line):
    assert refusal(read, f"1,3,1,1,5,6\n{line}\n") == (
        "expected numbers: frame, id, left, top, width, height[, confidence, class, visibility] "
        f"in line 2, received {line!r}; correct the file of tracks"
    )


@pytest.mark.parametrize(
    ("line", "received"), [("0,3,1,1,5,6", "0"), ("1,-1,1,1,5,6", "-1"), ("1,2.5,1,1,5,6", "2.5")]
)
def test_a_frame_or_a_track_without_a_number(read, line, received):
    assert refusal(read, line) == (
        "expected a frame and a track id, whole numbers from 1 on in line 1, "
        f"received {received}; correct the file of tracks"
    )


def test_a_box_without_an_extent(read):
    assert refusal(read, "1,3,1,1,0,6") == (
        "expected a box with a width and a height in line 1, received 0 x 6; "
        "correct the file of tracks"
    )


def test_a_track_that_is_in_two_places_at_once(read):
    text = refusal(read, "1,3,1,1,5,6\n1,3,2,2,5,6\n")
    assert "expected one box of a track in a frame in line 2, received a second one" in text


def test_nothing_to_consider(read):
    text = refusal(read, "1,3,1,1,5,6,0\n")
    assert "received none to consider (1 left out); name the class of people by" in text


def test_a_file_that_cannot_be_read(read, tmp_path):
    assert "received: no UTF-8 text; name a MOT file" in refusal(read, b"\xff\xfe\x00")
    with pytest.raises(MotTracksError, match="received: No such file or directory; name a MOT"):
        read_mot_tracks(tmp_path / "none.txt", class_id=1)
