import numpy as np
import pytest
import torch

from model.normalization import FrameNormalization
from model.registry import build_model
from tests.small_models import small_student
from tests.tiny_models import TINY_CNN, tiny_dcct
from training.evaluation.clip_embedders import HistogramEmbedder, NetworkEmbedder
from training.evaluation.histogram import frame_histogram

SHAPE = (2, 4, 64, 32, 3)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


@pytest.fixture
def counted():
    return np.array([[True] * 4, [True, True, False, False]])


def embedder_of(config, **changes):
    torch.manual_seed(0)
    network = build_model(config)
    return network, NetworkEmbedder(network, weights_sha256="0", **changes)


def test_one_pass_gives_every_part_and_fills_count_for_base_parts_only(pixels, counted):
    network, embedder = embedder_of(tiny_dcct())
    sums = embedder(pixels, counted)
    clips = FrameNormalization()(torch.from_numpy(pixels).flatten(0, 1)).unflatten(0, (2, 4))
    with torch.inference_mode():
        features = network.eval()(clips)
    assert list(sums) == ["cnn", "transformer", "cca_cnn", "cca_transformer", "final"]
    assert sums["final"].sums == pytest.approx(features.parts["final"].numpy(), abs=1e-5)
    assert sums["final"].counts.tolist() == [1, 1]
    assert sums["cnn"].counts.tolist() == [4, 2]
    rows = features.frame_features["cnn"].numpy()
    assert sums["cnn"].sums[1] == pytest.approx(rows[1, :2].sum(0), abs=1e-4)


def test_base_features_before_their_necks_are_counted_by_frame_too(pixels, counted):
    network, embedder = embedder_of(tiny_dcct(pre_bn_base=True))
    network.train()
    for _ in range(2):  # statistics that are not those of a new neck
        network(torch.randn(4, 4, 3, 64, 32))
    sums = embedder(pixels, np.ones_like(counted))
    clips = FrameNormalization()(torch.from_numpy(pixels).flatten(0, 1)).unflatten(0, (2, 4))
    with torch.inference_mode():
        parts = network.eval()(clips).parts
    assert sums["cnn"].sums / 4 == pytest.approx(parts["cnn"].numpy(), abs=1e-4)


def test_a_frame_model_counts_frames(pixels, counted):
    network, embedder = embedder_of(small_student(cnn=TINY_CNN, transformer=None))
    sums = embedder(pixels, counted)
    frames = FrameNormalization()(torch.from_numpy(pixels).flatten(0, 1))
    with torch.inference_mode():
        rows = network.eval().frame_parts(frames)["cnn"].unflatten(0, (2, 4)).numpy()
    assert sums["cnn"].counts.tolist() == [4, 2]
    assert sums["cnn"].sums[1] == pytest.approx(rows[1, :2].sum(0), abs=1e-4)


def test_the_network_is_judged_in_evaluation_mode_and_learns_on_afterwards(pixels, counted):
    network, embedder = embedder_of(tiny_dcct())
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first, again = embedder(pixels, counted), embedder(pixels, counted)
    assert np.array_equal(first["final"].sums, again["final"].sums)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_half_precision_stays_close(pixels, counted):
    _, exact = embedder_of(tiny_dcct())
    _, half = embedder_of(tiny_dcct(), precision="bf16")
    one, other = exact(pixels, counted)["cnn"].sums[0], half(pixels, counted)["cnn"].sums[0]
    assert not np.array_equal(one, other)
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99
    assert half.arithmetic.precision == "bf16"


def test_the_baseline_is_the_mean_of_its_frames(pixels, counted):
    embedder = HistogramEmbedder((64, 32), sampled_frames=4)
    part = embedder(pixels, counted)["histogram"]
    expected = sum(frame_histogram(frame) for frame in pixels[1, :2])
    np.testing.assert_allclose(part.sums[1], expected)
    assert part.counts.tolist() == [4, 2]
    assert embedder.plan("fast").clip_frames == 1
