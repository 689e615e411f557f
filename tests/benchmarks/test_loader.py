import json

import pytest
import torch
from rich.progress import Progress

from benchmarks import loader
from benchmarks.loader import BASELINE, THREADS, Work, measure, tracklets_of
from training.data.clip_config import ClipConfig
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501

CLIPS = ClipConfig(frames=2, identities=2, tracklets=2)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "market"
    world = SyntheticWorld(seed=1, identities=3, cameras=2, height=80, width=40)
    write_market1501(world, folder, frames=3)
    return folder


@pytest.fixture
def work(root):
    with tracklets_of("market1501", root) as (_, tracklets):
        return Work(tracklets, size=(64, 32), clips=CLIPS, batches=2)


def measured(work):
    with Progress(disable=True) as progress:
        return measure(work, data="drawn", rounds=1, progress=progress)


def test_every_way_is_compared_with_the_loop_of_the_same_run(work):
    result = measured(work)
    assert [row.name for row in result.rows] == list(work.ways())
    assert len(result.rows) == 1 + 3 * len(THREADS)
    loop = result.rows[0]
    assert (loop.name, loop.speedup, loop.core_speedup) == (BASELINE, 1.0, 1.0)
    for row in result.rows:
        assert row.speedup == pytest.approx(row.frames_per_s / loop.frames_per_s)
        assert row.core_speedup == pytest.approx(row.frames_per_core_s / loop.frames_per_core_s)
    assert (result.size, result.batches, result.frames_per_batch) == ((64, 32), 2, 8)


def test_a_way_that_gives_other_pixels_is_refused(work, monkeypatch):
    ways = work.ways()
    wrong = {BASELINE: ways[BASELINE], "wrong": lambda: (torch.zeros(1) for _ in range(2))}
    monkeypatch.setattr(work, "ways", lambda: wrong)
    with pytest.raises(RuntimeError, match="pixels of the Pillow loop from wrong, received others"):
        measured(work)


def test_drawn_people_are_the_default(monkeypatch):
    monkeypatch.setattr(loader, "DRAWN", {"identities": 2, "cameras": 2, "height": 40, "width": 20})
    with tracklets_of(None, None) as (data, tracklets):
        assert data == "drawn people"
        assert len({tracklet.identity for tracklet in tracklets}) == 2
        assert all(path.exists() for tracklet in tracklets for path in tracklet.frames)
    assert not tracklets[0].frames[0].exists()


def test_the_command_prints_json(root, capsys, monkeypatch):
    monkeypatch.setattr(loader, "THREADS", (0, 2))
    small = "--size 64 32 --batches 1 --identities 2 --frames 2 --rounds 1 --json"
    loader.main(["--data", "market1501", "--root", str(root), *small.split()])
    content = json.loads(capsys.readouterr().out)
    assert len(content["rows"]) == 7
    assert content["data"] == "market1501"


def test_a_layout_without_its_folder_is_refused(capsys):
    with pytest.raises(SystemExit):
        loader.main(["--data", "mars"])
    assert "expected --data and --root together" in capsys.readouterr().err
