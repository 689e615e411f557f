import os
import subprocess
import sys

import numpy as np
import pytest

from model.manifest import EmbeddingPart, FrameChoice, OutputTensor, Preprocessing
from training.export.mini_gallery import answers, draw_gallery, redraw_gallery


def preprocessing_of(frames_per_clip=None, *, height=32, width=16):
    return Preprocessing(
        frames_per_clip=frames_per_clip, choice=FrameChoice(policy="evenly_spaced", most=8),
        height=height, width=width, interpolation="bilinear_antialias", colour="RGB",
    )  # fmt: skip


def output_of(dimension):
    return OutputTensor(
        name="features", dimension=dimension, normalised=True, metric="cosine", pooling="mean",
        parts=(EmbeddingPart(name="a", dimension=dimension),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dimension", "identities"), [(20, 32), (1472, 32), (2048, 23), (6656, 7), (100_000, 2)]
)
def test_fewer_people_are_drawn_for_wide_embeddings(dimension, identities):
    gallery = draw_gallery(preprocessing_of(), output_of(dimension))
    assert gallery.described.identities == identities
    assert gallery.frames.shape == (4 * identities, 2, 32, 16, 3)
    assert gallery.frames.shape[0] * dimension * 2 < 400_000 or identities == 2


def test_items_are_frames_or_clips(drawn):
    assert drawn.items.shape == (256, 32, 16, 3)
    assert np.array_equal(drawn.items[3], drawn.frames[1, 1])
    clips = draw_gallery(preprocessing_of(4), output_of(20_000))
    assert clips.items.shape == (8, 4, 32, 16, 3)
    assert np.array_equal(clips.items, clips.frames)


def test_what_is_described_is_drawn_again(drawn):
    again = redraw_gallery(drawn.described, preprocessing_of())
    assert again.described == drawn.described
    assert np.array_equal(again.frames, drawn.frames)
    other = redraw_gallery(drawn.described.model_copy(update={"seed": 8}), preprocessing_of())
    assert other.described.sha256 != drawn.described.sha256


def test_other_processors_draw_the_same(drawn):
    """NumPy has code of its own for newer processors; here with none of it."""
    code = """
from tests.training.export.test_mini_gallery import output_of, preprocessing_of
from training.export.mini_gallery import draw_gallery
print(draw_gallery(preprocessing_of(), output_of(6)).described.sha256)
"""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(found)},
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert told.stdout.strip() == drawn.described.sha256


def test_every_item_asks_for_its_person_in_the_other_cameras(drawn):
    """A perfect model finds everybody; one that sees the camera alone finds nobody first."""
    people, frames = drawn.described.identities, drawn.described.frames
    tracklets = np.repeat(np.arange(len(drawn.frames)), frames)

    def knows(labels, count):
        rows = np.eye(count, dtype=np.float32)[labels]
        return lambda items: rows[: len(items)]

    perfect = knows(tracklets // 4, people)
    assert mean_average_precision(perfect, drawn, people) == pytest.approx(100)
    blind = knows(tracklets % 4, 4)
    assert mean_average_precision(blind, drawn, 4) < 20


def mean_average_precision(run, drawn, dimension):
    whole = len(drawn.items)
    return answers(run, drawn, output_of(dimension), largest=whole).mean_average_precision
