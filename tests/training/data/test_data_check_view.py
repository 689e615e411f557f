"""What people read of a check: the trees, the counts, the offending paths and the verdict."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.training.data.drawn_layouts import small_world
from training.data.data_check import check_data_set
from training.data.data_check_view import print_data_check
from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout, PublishedCounts
from training.data.synthetic_mars import write_mars
from training.data.tracklet import Tracklet


def printed(check, width=200):
    console = Console(width=width, file=StringIO())
    print_data_check(check, console)
    return console.file.getvalue()


def tracklet(name, identity, camera):
    return Tracklet(name, identity, camera, (Path("a.jpg"),))


LEARNED = (tracklet("t", 1, 1),)
ASKED, KNOWN = (tracklet("q", 2, 1),), (tracklet("g", 2, 2), tracklet("own", 3, 1))


@pytest.fixture
def printed_splits(tmp_path, monkeypatch):
    """A check of given splits, as if they had been read."""

    def check(*splits, published=None):
        layout = DataSetLayout(
            "Some people", lambda root: DataSet("some", splits), "some/\n", published or {}
        )
        monkeypatch.setattr("training.data.data_check.CATALOGUE", {"mars": layout})
        return printed(check_data_set("mars", tmp_path))

    return check


def test_a_broken_root_shows_both_trees_the_paths_and_the_fix(tmp_path):
    write_mars(small_world(), tmp_path / "mars", frames=2)
    for path in (tmp_path / "mars" / "bbox_test").rglob("*.jpg"):
        path.unlink()
    text = printed(check_data_set("mars", tmp_path / "mars"))
    trees = next(line for line in text.splitlines() if line.count("mars/") > 1)
    assert trees.split("│")[1].strip() == trees.split("│")[2].strip() == "mars/"
    assert "broken: expected every image of the official list under" in text
    assert "  bbox_test/00-1/00-1C1T0001F001.jpg\n" in text
    assert "  … and 7 more\n" in text
    assert text.endswith("broken: mend the above and check again\n")
    assert "readable" not in text


def test_counts_stand_beside_the_published_ones(printed_splits):
    published = {"query": PublishedCounts(identities=1, tracklets=12_345)}
    text = printed_splits(Split("official", LEARNED, ASKED, KNOWN), published=published)
    rows = {
        line.split("│")[1].strip(): line.split("│")[2:5]
        for line in text.splitlines()[5:-4]
        if line.count("│") == 5
    }
    assert [cell.strip() for cell in rows["identities"]] == ["1", "1 ✓", "2"]
    assert [cell.strip() for cell in rows["tracklets"]] == ["1", "1 differs: 12,345", "2"]
    assert "readable, but not as published" in text


def test_queries_without_a_match_are_named_with_the_reason(printed_splits):
    asked = (*ASKED, tracklet("lonely", 3, 1))
    text = printed_splits(Split("official", LEARNED, asked, KNOWN))
    assert "gallery: 1 of 2 queries have a right match among 2 tracklets" in text
    assert "1 without: its identity is in the gallery only from its own camera (lonely)" in text
    assert "readable; we have no published counts to compare with" in text


def test_splits_alike_are_shown_once_and_others_each(printed_splits):
    alike = [Split(f"split-0{number}", LEARNED, ASKED, KNOWN) for number in (1, 2, 3)]
    text = printed_splits(*alike, Split("split-04", LEARNED, ASKED, KNOWN[1:]))
    assert "split split-01" in text
    assert "split split-02" not in text
    assert "split split-04" in text
    assert "2 more splits have as many identities, tracklets and matched queries" in text


def test_a_folder_to_learn_from_says_so(printed_splits):
    text = printed_splits(Split("folder", LEARNED), published={"train": PublishedCounts(frames=1)})
    assert "no queries: nothing to ask about, all tracklets are to learn from" in text
    assert "readable, as published" in text


def test_asking_about_people_who_were_learned_is_pointed_out(printed_splits):
    text = printed_splits(Split("official", ASKED, ASKED, KNOWN))
    assert "1 identities are both learned from and asked about" in text


def test_decoded_frames_are_counted(tmp_path):
    write_mars(small_world(), tmp_path / "mars", frames=2)
    assert "all 20 frames are whole images" in printed(
        check_data_set("mars", tmp_path / "mars", decode=True)
    )


def test_eighty_columns_are_enough_for_a_drawn_world(tmp_path):
    write_mars(small_world(), tmp_path / "mars", frames=2)
    check = check_data_set("mars", tmp_path / "mars")
    assert [line.split() for line in printed(check, 80).splitlines() if "12,180" in line] == [
        line.split() for line in printed(check).splitlines() if "12,180" in line
    ]
