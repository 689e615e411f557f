import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from training.data.tracklet import Tracklet
from training.evaluation import clip_batches, tracklet_features
from training.evaluation.clip_embedders import HistogramEmbedder
from training.evaluation.tracklet_features import EmbeddingSettings, embed_parts


@pytest.fixture
def embedder():
    return HistogramEmbedder((64, 32), sampled_frames=4)


@pytest.fixture
def reads(monkeypatch):
    """Paths of the frames that are read."""
    seen = []
    read_frame = clip_batches.read_frame

    def watched(path, **size):
        seen.append(path)
        return read_frame(path, **size)

    monkeypatch.setattr(clip_batches, "read_frame", watched)
    return seen


def embed(tracklets, embedder, cache=None, **settings):
    with Progress(disable=True, console=Console(stderr=True, width=200)) as progress:
        chosen = EmbeddingSettings(cache=cache, **settings)
        return embed_parts(tracklets, embedder, chosen, title="drawn", progress=progress)


def test_a_hit_gives_the_same_numbers_and_reads_no_frame(
    drawn_tracklets, embedder, tmp_path, reads
):
    first = embed(drawn_tracklets, embedder, tmp_path)
    assert len(reads) == sum(len(one.frames) for one in drawn_tracklets)
    reads.clear()
    again = embed(drawn_tracklets[::-1], embedder, tmp_path)
    assert not reads
    assert np.array_equal(first["histogram"], again["histogram"][::-1])
    assert np.array_equal(first["histogram"], embed(drawn_tracklets, embedder)["histogram"])


def test_what_changed_is_embedded_again_and_nothing_else(
    drawn_tracklets, embedder, tmp_path, reads
):
    embed(drawn_tracklets[:4], embedder, tmp_path)
    reads.clear()
    shorter = Tracklet(drawn_tracklets[1].name, 1, 1, drawn_tracklets[1].frames[:2])
    embed([drawn_tracklets[0], shorter, drawn_tracklets[4]], embedder, tmp_path)
    assert sorted(reads) == sorted((*shorter.frames, *drawn_tracklets[4].frames))
    reads.clear()
    embed(drawn_tracklets[:4], embedder, tmp_path, mode="fast")
    assert reads


def test_an_interrupted_run_goes_on(drawn_tracklets, embedder, tmp_path, reads, monkeypatch):
    monkeypatch.setattr(tracklet_features, "TRACKLETS_PER_FILE", 2)
    work, done = HistogramEmbedder.__call__, []

    def interrupted(self, pixels, counted):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return work(self, pixels, counted)

    monkeypatch.setattr(HistogramEmbedder, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        embed(drawn_tracklets[:6], embedder, tmp_path, frames_per_batch=4)
    monkeypatch.setattr(HistogramEmbedder, "__call__", work)
    reads.clear()
    parts = embed(drawn_tracklets[:6], embedder, tmp_path)
    # Three batches of one tracklet each were done; the third was not known to be complete.
    assert sorted(reads) == sorted(p for one in drawn_tracklets[2:6] for p in one.frames)
    assert np.array_equal(parts["histogram"], embed(drawn_tracklets[:6], embedder)["histogram"])


def test_a_damaged_cache_is_computed_again_and_said(
    drawn_tracklets, embedder, tmp_path, reads, capsys
):
    first = embed(drawn_tracklets[:3], embedder, tmp_path)
    (path,) = tmp_path.glob("*/*.safetensors")
    path.write_bytes(b"damaged")
    reads.clear()
    again = embed(drawn_tracklets[:3], embedder, tmp_path)
    assert reads
    assert np.array_equal(first["histogram"], again["histogram"])
    assert "which was damaged; its tracklets are embedded again" in " ".join(
        capsys.readouterr().err.split()
    )


def test_no_tracklets_are_refused(embedder):
    with pytest.raises(ValueError, match="expected tracklets to embed, received none; check"):
        embed([], embedder)
