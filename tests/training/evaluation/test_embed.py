import numpy as np
import pytest
import torch

from model.features import embedding
from model.manifest import FrameChoice
from model.normalization import FrameNormalization
from model.registry import build_model
from tests.small_models import small_student
from tests.tiny_models import TINY_WIDTHS, tiny_dcct
from training.data.frame_reading import read_frame
from training.data.frame_sampling import interleaved_clips
from training.evaluation.embed import (
    embed_tracklets,
    network_embedder,
    read_frames,
)
from training.evaluation.histogram import histogram_embedding

ALL = FrameChoice(policy="evenly_spaced", most=100)


def test_only_the_chosen_frames_are_read(drawn_tracklets):
    choice = FrameChoice(policy="evenly_spaced", most=2)
    tracklet = drawn_tracklets[0]
    frames = read_frames(tracklet, choice=choice, size=(64, 32))
    expected = [read_frame(tracklet.frames[i], height=64, width=32) for i in choice.indices(4)]
    assert np.array_equal(frames, np.stack(expected))


@pytest.mark.parametrize("kind", ["network", "histogram"])
def test_embeddings_keep_their_tracklet_and_have_length_one(drawn_tracklets, kind):
    network = build_model(small_student())
    embed = network_embedder(network) if kind == "network" else histogram_embedding
    table = embed_tracklets(drawn_tracklets[:3], embed, choice=ALL, size=(64, 32))
    assert table.names.tolist() == [tracklet.name for tracklet in drawn_tracklets[:3]]
    assert table.identities.tolist() == [tracklet.identity for tracklet in drawn_tracklets[:3]]
    assert table.cameras.tolist() == [tracklet.camera for tracklet in drawn_tracklets[:3]]
    expected = [embed(read_frames(t, choice=ALL, size=(64, 32))) for t in drawn_tracklets[:3]]
    np.testing.assert_allclose(table.embeddings, expected, atol=1e-7)


def test_the_network_is_judged_in_evaluation_mode(drawn_tracklets):
    network = build_model(small_student()).train()
    embed = network_embedder(network)
    frames = read_frames(drawn_tracklets[0], choice=ALL, size=(64, 32))
    assert not network.training
    assert np.array_equal(embed(frames), embed(frames))


def test_a_clip_model_is_judged_on_clips_that_show_every_frame():
    """Parts are averaged over the clips, then normalised and joined (spec §1.10)."""
    torch.manual_seed(0)
    network = build_model(tiny_dcct(embedding=("base", "final"))).eval()
    frames = np.random.default_rng(0).integers(0, 256, (7, 64, 32, 3), dtype=np.uint8)
    normalized = FrameNormalization()(torch.from_numpy(frames))
    with torch.inference_mode():
        parts = [network(normalized[list(c)][None]).parts for c in interleaved_clips(7, 4)]
    means = {
        name: torch.stack([one[name] for one in parts]).mean(0) for name in network.embedding_parts
    }
    assert list(means) == ["cnn", "transformer", "final"]
    expected = embedding(means)[0].numpy()
    assert network_embedder(network)(frames) == pytest.approx(expected, abs=1e-5)


def test_only_the_parts_of_the_embedding_are_retrieved_with():
    network = build_model(tiny_dcct(embedding=("base",)))
    frames = np.zeros((3, 64, 32, 3), dtype=np.uint8)
    assert network_embedder(network)(frames).shape == (sum(TINY_WIDTHS.values()),)
