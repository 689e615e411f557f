import itertools

import pytest

from service.client.tracklet_folder import TrackletFolderError, find_tracklets


def write(path, content=b"frame"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_tree_is_a_batch_in_order_of_ids_and_frames_in_order_of_names(tmp_path):
    for name in ("b/001.jpg", "b/000.JPG", "a/x/2.png", "a/x/10.webp", "a/x/notes.txt"):
        write(tmp_path / name, name.encode())
    found = find_tracklets(tmp_path)
    assert [tracklet.tracklet_id for tracklet in found] == ["a.x", "b"]
    assert [frame.name for frame in found[0].frames] == ["10.webp", "2.png"]
    assert found[1].read_frames(9) == [b"b/000.JPG", b"b/001.jpg"]


def test_a_directory_of_frames_is_one_tracklet_named_after_it(tmp_path):
    write(tmp_path / "person-7" / "0.jpg")
    (only,) = find_tracklets(tmp_path / "person-7")
    assert only.tracklet_id == "person-7"


def test_hidden_files_and_directories_are_passed_over(tmp_path):
    for name in ("a/0.jpg", "a/._0.jpg", ".git/0.jpg", "a/.cache/0.jpg"):
        write(tmp_path / name)
    (only,) = find_tracklets(tmp_path)
    assert (only.tracklet_id, len(only.frames)) == ("a", 1)


def test_the_sidecar_is_the_metadata(tmp_path):
    write(tmp_path / "a" / "0.jpg")
    write(tmp_path / "a" / "tracklet.json", b'{"identity": "p", "start": "1970-01-01T00:01:00Z"}')
    write(tmp_path / "b" / "0.jpg")
    first, second = find_tracklets(tmp_path)
    assert (first.metadata.identity, first.metadata.start) == ("p", 60.0)
    assert second.metadata.identity is None


@pytest.mark.parametrize("most", [1, 3, 10, 100])
def test_of_a_long_tracklet_evenly_spaced_frames_are_read(tmp_path, most):
    for number in range(10):
        write(tmp_path / "a" / f"{number}.jpg", bytes([number]))
    (tracklet,) = find_tracklets(tmp_path)
    places = [frame[0] for frame in tracklet.read_frames(most)]
    assert len(places) == min(most, 10)
    assert places == sorted(set(places))
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert not gaps or max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("sidecar", "said"),
    [
        (b"{", r"a/tracklet\.json: expected a JSON object in UTF-8"),
        (b'{"camra": 1}', r"received unknown key `camra`; did you mean `camera`\?"),
        (b'{"start": "2026-01-01T00:00:00"}', r"append Z for UTC"),
    ],
)
def test_a_wrong_sidecar_is_named_with_its_fault(tmp_path, sidecar, said):
    write(tmp_path / "a" / "0.jpg")
    write(tmp_path / "a" / "tracklet.json", sidecar)
    with pytest.raises(TrackletFolderError, match=said):
        find_tracklets(tmp_path)


def test_two_tracklets_with_one_id_are_refused(tmp_path):
    write(tmp_path / "a.b" / "0.jpg")
    write(tmp_path / "a" / "b" / "0.jpg")
    with pytest.raises(TrackletFolderError, match=r"received two for 'a\.b' below .*; rename one"):
        find_tracklets(tmp_path)


def test_a_place_without_frames_says_so(tmp_path):
    with pytest.raises(TrackletFolderError, match=r"expected frames \(\.jpg, .*received none; nam"):
        find_tracklets(tmp_path)
    with pytest.raises(TrackletFolderError, match=r"which is not there; name a directory"):
        find_tracklets(tmp_path / "missing")
    write(tmp_path / "file.jpg")
    with pytest.raises(TrackletFolderError, match=r"which is a file; name a directory"):
        find_tracklets(tmp_path / "file.jpg")


def test_a_frame_that_has_gone_is_named(tmp_path):
    write(tmp_path / "a" / "0.jpg")
    (tracklet,) = find_tracklets(tmp_path)
    tracklet.frames[0].unlink()
    with pytest.raises(TrackletFolderError, match=r"expected to read .*0\.jpg, received No such f"):
        tracklet.read_frames(1)


def test_links_are_followed_and_loops_are_not(tmp_path):
    """A linked tracklet was once skipped without a word."""
    write(tmp_path / "elsewhere" / "0.jpg")
    write(tmp_path / "root" / "a" / "0.jpg")
    (tmp_path / "root" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "back").symlink_to(tmp_path / "root")
    assert [tracklet.tracklet_id for tracklet in find_tracklets(tmp_path / "root")] == ["a", "b"]


def test_a_directory_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    write(tmp_path / "a" / "0.jpg")

    def walk(root, *, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", str(root / "a")))
        return iter(())

    monkeypatch.setattr("service.client.tracklet_folder.os.walk", walk)
    with pytest.raises(TrackletFolderError, match="received '.*/a': Permission denied; correct"):
        find_tracklets(tmp_path)


@pytest.mark.parametrize("name", ["a\udcff", "a\nb", "x" * 201])
def test_a_directory_whose_name_is_no_id_is_refused_before_anything_is_sent(tmp_path, name):
    write(tmp_path / "ok" / "0.jpg")
    write(tmp_path / name / "0.jpg")
    with pytest.raises(TrackletFolderError, match="expected a tracklet id of 1 to 200 .*; rename"):
        find_tracklets(tmp_path)
