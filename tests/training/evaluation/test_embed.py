import itertools

import numpy as np
import pytest
import torch

from model.features import embedding
from model.normalization import FrameNormalization
from model.registry import build_model
from model.weights import open_network, open_student, save_weights
from tests.tiny_models import TINY_WIDTHS, tiny_dcct
from training.data.frame_reading import read_frame
from training.data.frame_sampling import interleaved_clips
from training.data.tracklet import Tracklet
from training.evaluation.clip_embedders import HistogramEmbedder, NetworkEmbedder
from training.evaluation.embed import embed_frames, embed_tracklets, frame_count, join_parts

STUDENT = {"spatial": "gap", "temporal": "tap"}


@pytest.fixture(scope="module")
def mixed(drawn_tracklets):
    """Tracklets of 1 to 11 frames, among them lengths that no clip of 4 divides."""
    frames = [path for tracklet in drawn_tracklets for path in tracklet.frames]
    starts = np.cumsum([0, 4, 11, 1, 7, 8])
    return [
        Tracklet(f"t{i}", 1, 1, tuple(frames[start:end]))
        for i, (start, end) in enumerate(itertools.pairwise(starts))
    ]


@pytest.fixture(scope="module")
def dcct():
    torch.manual_seed(0)
    network = build_model(tiny_dcct()).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 4, 3, 64, 32))
    return network.eval()


def embedder_of(network):
    return NetworkEmbedder(network, weights_sha256="0")


@pytest.mark.parametrize("mode", ["dense", "fast", "served"])
@pytest.mark.parametrize("kind", ["dcct", "student", "histogram"])
def test_the_frame_budget_and_the_company_change_nothing(mixed, dcct, kind, mode):
    """Budgets of 8 and 64 frames, and every tracklet by itself: the same features."""
    if kind == "histogram":
        embedder = HistogramEmbedder((64, 32), sampled_frames=4)
    else:
        embedder = embedder_of(dcct if kind == "dcct" else build_model(tiny_dcct(**STUDENT)))
    small = list(embed_tracklets(mixed, embedder, mode=mode, frames_per_batch=8))
    large = list(embed_tracklets(mixed, embedder, mode=mode, frames_per_batch=64))
    alone = [next(embed_tracklets([one], embedder, mode=mode)) for one in mixed]
    assert len(small) == len(large) == len(mixed)
    for one, other, single in zip(small, large, alone, strict=True):
        for name, rows in one.items():
            scale = max(1, np.abs(rows).max())
            np.testing.assert_allclose(other[name], rows, atol=1e-5 * scale)
            np.testing.assert_allclose(single[name], rows, atol=1e-5 * scale)


def test_dense_is_the_same_every_time(mixed, dcct):
    first, again = (list(embed_tracklets(mixed, embedder_of(dcct), mode="dense")) for _ in "ab")
    for one, other in zip(first, again, strict=True):
        assert all(np.array_equal(rows, other[name]) for name, rows in one.items())


def test_dense_equals_a_short_reference(mixed, dcct):
    """Parts averaged over interleaved clips, base parts over the frames themselves."""
    tracklet = mixed[1]
    pixels = np.stack([read_frame(path, height=64, width=32) for path in tracklet.frames])
    frames = FrameNormalization()(torch.from_numpy(pixels))
    with torch.inference_mode():
        clips = [dcct(frames[list(c)][None]) for c in interleaved_clips(len(frames), 4)]
        singles = [dcct(frame[None, None]).parts["cnn"] for frame in frames]
    (received,) = embed_tracklets([tracklet], embedder_of(dcct), mode="dense")
    for name in ("final", "cca_cnn"):
        expected = torch.stack([clip.parts[name] for clip in clips]).mean(0)[0].numpy()
        np.testing.assert_allclose(received[name], expected, atol=1e-4)
    np.testing.assert_allclose(received["cnn"], torch.stack(singles).mean(0)[0], atol=1e-4)


@pytest.mark.parametrize("mode", ["dense", "fast", "served"])
def test_the_students_features_are_the_base_features_of_the_whole(mixed, dcct, mode, tmp_path):
    """Spec check 11, through the whole evaluation path."""
    save_weights(tmp_path / "weights.safetensors", dcct)
    whole = embedder_of(open_network(tmp_path / "weights.safetensors"))
    student = embedder_of(open_student(tmp_path / "weights.safetensors"))
    for one, other in zip(
        embed_tracklets(mixed, whole, mode=mode),
        embed_tracklets(mixed, student, mode=mode),
        strict=True,
    ):
        assert list(other) == ["cnn", "transformer"]
        for name, rows in other.items():
            np.testing.assert_allclose(one[name], rows, atol=1e-4)


def test_frames_are_counted_as_they_are_done(mixed, dcct):
    done = []
    list(embed_tracklets(mixed, embedder_of(dcct), mode="dense", frames_done=done.append))
    assert sum(done) == frame_count(mixed, embedder_of(dcct), "dense") == 4 + 12 + 4 + 8 + 8


def test_features_that_are_not_finite_are_refused(mixed, dcct):
    broken = build_model(tiny_dcct())
    broken.load_state_dict(dcct.state_dict())
    with torch.no_grad():
        broken.necks["final"].norm.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="expected finite features, received NaN or inf.* in 'f"):
        list(embed_tracklets(mixed, embedder_of(broken), mode="fast"))


def test_parts_are_normalised_before_and_after_they_are_joined():
    parts = {"a": torch.randn(3, 2), "b": 100 * torch.randn(3, 5)}
    joined = join_parts([rows.numpy() for rows in parts.values()])
    np.testing.assert_allclose(joined, embedding(parts), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(joined[:, :2], axis=1), 0.5**0.5, atol=1e-6)


def test_frames_in_memory_are_embedded_as_a_tracklet(mixed, dcct):
    tracklet = mixed[3]
    pixels = np.stack([read_frame(path, height=64, width=32) for path in tracklet.frames])
    (parts,) = embed_tracklets([tracklet], embedder_of(dcct), mode="dense")
    expected = join_parts([parts[name][None] for name in dcct.embedding_parts])[0]
    assert embed_frames(dcct, pixels) == pytest.approx(expected, abs=1e-5)


def test_only_the_parts_of_the_embedding_are_retrieved_with():
    network = build_model(tiny_dcct(embedding=("base",)))
    frames = np.zeros((3, 64, 32, 3), dtype=np.uint8)
    assert embed_frames(network, frames).shape == (sum(TINY_WIDTHS.values()),)
