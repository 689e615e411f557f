"""The committed sample is what the generator draws, and shows nobody real."""

from pathlib import Path

import numpy as np
from PIL import Image

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_tracklet_tree


def test_the_sample_is_drawn_by_the_documented_command(tmp_path):
    """`reid-train data synthesize samples --identities 8 --cameras 3 --frames 6 --seed 1`."""
    write_tracklet_tree(
        SyntheticWorld(seed=1, identities=8, cameras=3), tmp_path / "samples", frames=6
    )
    committed, drawn = Path("samples"), tmp_path / "samples"
    names = {path.relative_to(committed) for path in committed.rglob("*") if path.is_file()}
    assert names == {path.relative_to(drawn) for path in drawn.rglob("*") if path.is_file()}
    for name in sorted(names):
        if name.suffix == ".json":
            assert (committed / name).read_bytes() == (drawn / name).read_bytes()
        else:  # another build of the JPEG library may round a pixel differently
            difference = _pixels(committed / name) - _pixels(drawn / name)
            assert np.abs(difference).max() <= 8


def _pixels(path):
    return np.asarray(Image.open(path), dtype=int)
