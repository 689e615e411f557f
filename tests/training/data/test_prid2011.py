"""PRID-2011: who is the same person in both views, the customary splits, and drawn ones."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.training.data.drawn_layouts import assert_is_drawn, small_world
from training.data.prid2011 import read_prid2011
from training.data.synthetic_two_views import write_prid2011

ROOT = Path(__file__).parents[3]
PROTOCOLS = Path(os.environ.get("RESEARCH_DATA", ROOT.parent / "shared" / "data")) / "protocols"


@pytest.fixture
def root(tmp_path):
    write_prid2011(small_world(), tmp_path / "prid2011", frames=2)
    return tmp_path / "prid2011"


def touch_people(root, numbers, frames):
    for camera in ("cam_a", "cam_b"):
        for number in numbers:
            folder = root / "prid_2011" / "multi_shot" / camera / f"person_{number:04d}"
            folder.mkdir(parents=True)
            for frame in range(1, frames + 1):
                (folder / f"{frame:04d}.png").touch()


def test_what_was_drawn_is_what_is_read(root):
    data_set = read_prid2011(root.parent)
    listed = json.loads((root / "splits_prid2011.json").read_text())
    assert len(data_set.splits) == len(listed) == 10
    for split, halves in zip(data_set.splits, listed, strict=True):
        assert [t.name for t in split.query] == [f"{person}_cam_a" for person in halves["test"]]
        assert [t.name for t in split.gallery] == [f"{person}_cam_b" for person in halves["test"]]
        assert {t.name[:11] for t in split.train} == set(halves["train"])
        assert len(split.train) == 4
    for tracklet in (*split.train, *split.query, *split.gallery):
        assert_is_drawn(tracklet, small_world())


def test_from_number_201_on_the_views_show_different_people(root):
    everybody = read_prid2011(root, people="all").splits[0]
    assert {t.identity for t in (*everybody.train, *everybody.query)} == {1, 2, 3, 4}


def test_without_a_list_people_with_more_than_21_frames_are_halved(tmp_path):
    touch_people(tmp_path, range(1, 7), frames=22)
    touch_people(tmp_path, [7], frames=21)
    first = read_prid2011(tmp_path)
    for split in first.splits:
        assert (len(split.train), len(split.query), len(split.gallery)) == (6, 3, 3)
        assert {t.identity for t in (*split.train, *split.query)} == {1, 2, 3, 4, 5, 6}
    assert len({tuple(t.name for t in split.query) for split in first.splits}) > 3
    assert read_prid2011(tmp_path) == first
    assert len(read_prid2011(tmp_path, people="all").splits[0].query) == 4


def test_drawn_splits_never_change(tmp_path):
    touch_people(tmp_path, range(1, 5), frames=22)
    drawn = [[t.identity for t in split.query] for split in read_prid2011(tmp_path).splits]
    assert drawn[:3] == [[1, 3], [2, 3], [1, 2]]


def test_drawn_splits_are_the_same_wherever_the_images_lie(tmp_path):
    touch_people(tmp_path / "here", range(1, 7), frames=22)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    here, there = (
        [[t.name for t in split.query] for split in read_prid2011(tmp_path / place).splits]
        for place in ("here", "there")
    )
    assert here == there


def test_too_few_people_for_halves_are_refused(tmp_path):
    touch_people(tmp_path, [1, 2], frames=5)
    with pytest.raises(ValueError, match="two people or more with enough frames .* received 0"):
        read_prid2011(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"a list of .* in .*splits_prid2011.json, received 1 errors, first Invalid JSON"),
        ("[]", "received 1 errors, first List should have at least 1 item"),
        ('[{"train": ["person_0001"]}]', "first Field required; restore the customary splits"),
        ('[{"train": ["person_0001"], "test": []}]', "first Tuple should have at least 1 item"),
        (
            '[{"train": ["person_0001"], "test": ["person_0077"]}]',
            r"received without images: \['person_0077'\]; restore the missing people",
        ),
        ('[{"train": ["person_0001"], "test": ["person_0001"]}]', "received repeats; restore"),
    ],
)
def test_a_broken_list_is_refused(content, message, root):
    (root / "splits_prid2011.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_prid2011(root)


@pytest.mark.research_data
@pytest.mark.skipif(not PROTOCOLS.is_dir(), reason=f"{PROTOCOLS} is absent")
def test_the_customary_splits_halve_178_people(tmp_path):
    listed = json.loads((PROTOCOLS / "splits_prid2011.json").read_text())
    people = {int(name[-4:]) for name in listed[0]["train"] + listed[0]["test"]}
    touch_people(tmp_path, people, frames=1)
    shutil.copy(PROTOCOLS / "splits_prid2011.json", tmp_path)
    data_set = read_prid2011(tmp_path)
    assert len(data_set.splits) == 10
    for split in data_set.splits:
        assert (len(split.train), len(split.query), len(split.gallery)) == (178, 89, 89)
