"""Laws of every layout of made-up people: whole, repeatable, and nothing it cannot name."""

from typing import get_args

import pytest
from PIL import Image

from tests.training.data.drawn_layouts import small_world
from training.commands.data import DrawnLayout
from training.data.catalogue import CATALOGUE
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_catalogue import LAYOUT_WRITERS

LAYOUTS = pytest.mark.parametrize("layout", LAYOUT_WRITERS)


def files(root):
    return {p.relative_to(root): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_the_command_offers_every_layout():
    assert get_args(DrawnLayout) == tuple(LAYOUT_WRITERS)


def test_every_layout_but_the_service_s_own_is_one_of_the_catalogue():
    named = {layout.removesuffix("-official") for layout in LAYOUT_WRITERS}
    assert named - set(CATALOGUE) == {"tracklets"}


@LAYOUTS
def test_the_same_world_writes_the_same_bytes_and_tells_its_progress(layout, tmp_path):
    calls = []
    LAYOUT_WRITERS[layout](
        small_world(), tmp_path / "one", frames=1, progress=lambda *counts: calls.append(counts)
    )
    LAYOUT_WRITERS[layout](small_world(), tmp_path / "two", frames=1)
    assert files(tmp_path / "one") == files(tmp_path / "two") != {}
    assert calls == [(done, len(calls)) for done in range(1, len(calls) + 1)] != []


@LAYOUTS
def test_images_are_what_their_suffix_says(layout, tmp_path):
    LAYOUT_WRITERS[layout](small_world(), tmp_path / "new", frames=1)
    kinds = {".jpg": "JPEG", ".png": "PNG"}
    images = [path for path in (tmp_path / "new").rglob("*") if path.suffix in kinds]
    for path in images:
        with Image.open(path) as image:
            assert (image.format, image.size) == (kinds[path.suffix], (32, 64))
    assert images


@LAYOUTS
def test_a_directory_in_use_is_refused_and_left_alone(layout, tmp_path):
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(ValueError, match="to be absent or an empty directory, received one in use"):
        LAYOUT_WRITERS[layout](small_world(), tmp_path, frames=1)
    assert files(tmp_path).popitem()[1] == b"kept"


@pytest.mark.parametrize(
    ("layout", "numbers", "options", "message"),
    [
        ("mars", (1, 2), {}, "identities of 2 to 9998 for this layout, received 1"),
        ("mars", (2, 7), {}, "cameras of 2 to 6 for this layout, received 7"),
        ("mars", (2, 2), {"frames": 1000}, "frames of 1 to 999 for this layout, received 1000"),
        ("mars", (2, 2), {"recordings": 0}, "recordings of 1 to 9999 for this layout, received 0"),
        ("dukemtmcvidreid", (2, 9), {}, "cameras of 2 to 8 for this layout, received 9"),
        ("dukemtmcvidreid", (1, 2), {}, "identities of 2 to 9999 for this layout, received 1"),
        ("dukemtmcvidreid", (2, 2), {"recordings": 1001}, "recordings of 1 to 1000"),
        ("dukemtmcvidreid", (2, 2), {"frames": 0}, "frames of 1 to 9999"),
        ("ilidsvid", (4, 3), {}, "cameras of 2 to 2 for this layout, received 3"),
        ("ilidsvid", (3, 2), {}, "an even number of identities for this layout, received 3; add"),
        ("ilidsvid", (4, 2), {"recordings": 2}, "recordings of 1 to 1 for this layout, received 2"),
        ("ilidsvid", (1000, 2), {}, "identities of 2 to 998 for this layout, received 1000"),
        ("prid2011", (202, 2), {}, "identities of 2 to 200 for this layout, received 202"),
        ("prid2011", (4, 2), {"frames": 0}, "frames of 1 to 9999 for this layout, received 0"),
        ("market1501-official", (1, 2), {}, "identities of 2 to 9998"),
        ("market1501-official", (2, 10), {}, "cameras of 2 to 9 for this layout, received 10"),
        ("market1501-official", (2, 2), {"recordings": 10}, "recordings of 1 to 9"),
        ("market1501-official", (2, 2), {"frames": 1001}, "frames of 1 to 1000"),
    ],
)
def test_what_a_layout_cannot_name_is_refused(layout, numbers, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        LAYOUT_WRITERS[layout](SyntheticWorld(0, *numbers), tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()
