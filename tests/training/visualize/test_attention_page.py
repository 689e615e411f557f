import numpy as np
import pytest
from PIL import Image

from tests.training.visualize.page_reader import Page
from training.visualize.attention import ClipAttention, HeatRow, WeightRow
from training.visualize.attention_page import write_attention

HOSTILE = "<script>alert(1)</script>"


def attention(frames=3, notes=("No attention rollout: expected a ViT.",)):
    generator = np.random.default_rng(0)
    maps = generator.random((frames, 4, 2), dtype=np.float32)
    maps[min(1, frames - 1), 2, 1] = 7
    return ClipAttention(
        frames=generator.integers(0, 256, (frames, 64, 32, 3), dtype=np.uint8),
        heat=(HeatRow("CNN activation", "squares", maps),),
        weights=(WeightRow("HTA weight", "rolled out", np.array([0.5, 0.3, 0.2][:frames])),),
        notes=notes,
    )


def page(tmp_path, seen, title="A title", facts=None):
    write_attention(tmp_path / "a.html", seen, title=title, facts=facts or {"model": "dcct"})
    return Page((tmp_path / "a.html").read_text(encoding="utf-8"))


def test_every_frame_map_weight_and_note_is_on_the_page(tmp_path):
    read = page(tmp_path, attention())
    assert read.fetched == []
    assert len(read.pictures) == 1 + 3 + 3  # the scale, the frames, the maps
    described = [a["alt"] for a in read.all("img")]
    assert "CNN activation, frame 2: strongest in row 3 of 4, column 2 of 2" in described
    assert all(described)
    assert "0.500 0.300 0.200" in " ".join(read.words.split())
    assert "4×2, lightest is 7" in read.words
    assert "Not shown No attention rollout: expected a ViT." in read.words
    assert "pictures of people" in read.words


def test_bars_are_as_high_as_their_weights(tmp_path):
    heights = [a["style"] for a in page(tmp_path, attention()).all("span", **{"class": "bar"})]
    assert heights == ["height: 60px", "height: 36px", "height: 24px"]


def test_without_notes_there_is_no_such_section(tmp_path):
    assert "notes" not in page(tmp_path, attention(notes=())).identifiers


def test_names_of_strangers_stay_text(tmp_path):
    read = page(tmp_path, attention(notes=(HOSTILE,)), title=HOSTILE, facts={HOSTILE: HOSTILE})
    assert read.all("script") == []
    assert HOSTILE in read.words


@pytest.mark.parametrize("suffix", ["html", "png"])
def test_the_same_attention_gives_the_same_bytes(tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        write_attention(path, attention(), title="A $title$ of <math>", facts={})
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_png_holds_a_column_for_every_frame_and_grows_with_rows(tmp_path):
    for name, seen in {"three": attention(), "one": attention(frames=1)}.items():
        write_attention(tmp_path / f"{name}.png", seen, title=name, facts={})
    with Image.open(tmp_path / "three.png") as three, Image.open(tmp_path / "one.png") as one:
        assert three.width - one.width == 220
        assert one.height >= three.height  # the note takes more lines


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.html or \.png, received 'a\.svg'; rename it"):
        write_attention(tmp_path / "a.svg", attention(), title="", facts={})
