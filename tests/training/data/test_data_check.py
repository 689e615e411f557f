"""A check tells what is wrong with the files of a data set, whatever is wrong, and never raises."""

import shutil

import pytest

from tests.training.data.drawn_layouts import small_world
from training.data.data_check import check_data_set
from training.data.synthetic_catalogue import LAYOUT_WRITERS

LAYOUTS = pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("mars", "mars"),
        ("dukemtmcvidreid", "dukemtmcvidreid"),
        ("ilidsvid", "ilidsvid"),
        ("ilidsvid-swapped", "ilidsvid"),
        ("prid2011", "prid2011"),
        ("prid2011-all", "prid2011"),
        ("market1501", "market1501-official"),
    ],
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Layout → root, drawn once."""
    roots = {}
    for layout in ("mars", "dukemtmcvidreid", "ilidsvid", "prid2011", "market1501-official"):
        roots[layout] = tmp_path_factory.mktemp("drawn") / layout
        LAYOUT_WRITERS[layout](small_world(), roots[layout], frames=2)
    return roots


@pytest.fixture
def mars(drawn, tmp_path):
    return shutil.copytree(drawn["mars"], tmp_path / "mars")


@LAYOUTS
def test_a_whole_data_set_has_no_problems_and_every_query_a_match(name, layout, drawn):
    check = check_data_set(name, drawn[layout])
    assert check.problems == ()
    for split in check.splits:
        assert split.learned_and_asked == 0
        assert all(matches.matched == 2 == matches.queries for matches in split.matches)
        assert split.parts["train"].found.identities == 2
    assert check.found_tree.startswith(f"{layout}/\n")


@LAYOUTS
@pytest.mark.parametrize("kind", ["absent", "file", "empty"])
def test_a_wrong_root_is_one_problem(name, layout, kind, drawn, tmp_path):
    root = tmp_path / kind
    if kind == "file":
        root.touch()
    elif kind == "empty":
        root.mkdir()
    check = check_data_set(name, root)
    (problem,) = check.problems
    assert problem.message.startswith("expected ")
    assert (problem.paths, problem.first) == (1, (str(root),))
    assert check.splits == ()


def test_counts_are_compared_with_the_published_ones(mars):
    (split,) = check_data_set("mars", mars).splits
    gallery = split.parts["gallery"]
    assert (gallery.found.tracklets, gallery.published["tracklets"]) == (6, 12_180)
    assert (gallery.found.junk, gallery.found.distractors) == (1, 1)
    assert "tracklets" in gallery.differing
    assert "shortest" not in gallery.differing
    assert [matches.gallery for matches in split.matches] == ["with queries", "without queries"]
    assert check_data_set("mars", mars).differs


def test_the_first_five_offending_paths_are_relative_to_the_root(mars):
    for path in (mars / "bbox_test").rglob("*.jpg"):
        path.unlink()
    (problem,) = check_data_set("mars", mars).problems
    assert problem.paths == 12
    assert len(problem.first) == 5
    assert problem.first[0] == "bbox_test/00-1/00-1C1T0001F001.jpg"
    assert problem.message.endswith("restore them from the archive")


def test_a_missing_split_file_is_named(mars):
    (mars / "info" / "query_IDX.mat").unlink()
    (problem,) = check_data_set("mars", mars).problems
    assert problem.first == ("info/query_IDX.mat",)
    assert "no such file; copy it from info/" in problem.message


def test_an_empty_tracklet_is_named(drawn, tmp_path):
    root = shutil.copytree(drawn["dukemtmcvidreid"], tmp_path / "duke")
    (root / "train" / "0001" / "0099").mkdir()
    (problem,) = check_data_set("dukemtmcvidreid", root).problems
    assert problem.first == ("train/0001/0099",)
    assert "remove the empty folder" in problem.message


def test_stray_files_are_passed_over(drawn, tmp_path):
    root = shutil.copytree(drawn["dukemtmcvidreid"], tmp_path / "duke")
    (root / "train" / "Thumbs.db").touch()
    (root / "train" / "0001" / ".DS_Store").touch()
    assert check_data_set("dukemtmcvidreid", root).problems == ()


def test_a_corrupt_frame_is_found_when_frames_are_decoded(mars):
    frame = mars / "bbox_train" / "0001" / "0001C1T0001F002.jpg"
    frame.write_bytes(frame.read_bytes()[:-200])
    assert check_data_set("mars", mars).problems == ()
    calls = []
    check = check_data_set("mars", mars, decode=True, progress=lambda *counts: calls.append(counts))
    (problem,) = check.problems
    assert problem.first == ("bbox_train/0001/0001C1T0001F002.jpg",)
    assert "expected whole images, received 1 that are not, '0001C1T0001F002.jpg' with" in (
        problem.message
    )
    # Splits are told of all the same; queries are decoded once though they are searched too.
    assert check.splits
    assert (check.decoded, calls) == (20, [(20, 20)])


def test_people_who_are_learned_from_and_asked_about_are_counted(drawn, tmp_path):
    root = shutil.copytree(drawn["dukemtmcvidreid"], tmp_path / "duke")
    shutil.rmtree(root / "train")
    shutil.copytree(root / "gallery", root / "train")
    (split,) = check_data_set("dukemtmcvidreid", root).splits
    assert split.learned_and_asked == 2


def test_a_folder_that_may_not_be_read_is_a_problem(mars, monkeypatch):
    """Permissions do not stop root, so the refusal is made up."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied", "bbox_test")

    monkeypatch.setattr("os.scandir", refuse)
    check = check_data_set("mars", mars)
    assert "Permission denied" in check.problems[0].message
    assert check.found_tree == "mars/\n└── … which may not be read\n"


def test_an_unknown_data_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="received 'marz'; did you mean 'mars'?"):
        check_data_set("marz", tmp_path)
