"""Whoever shares a batch with a tracklet changes nothing of its embedding."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.batching.observer import Unobserved
from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder
from service.settings import Settings
from tests.encoded_frames import drawn_picture

ARTIFACT = Path(__file__).resolve().parents[2] / "artifacts/dcct-light"
LEAST_COSINE = 0.9999
SETTINGS = Settings(
    inference_provider="cpu", inference_lanes=2, inference_threads=1, max_batch_frames=8
)
LENGTHS = (1, 2, 3, 5, 8, 11)
"""Frames of the tracklets to compose: shorter than a batch, as long, and longer."""

compositions = st.lists(st.sampled_from(range(len(LENGTHS))), min_size=2, max_size=6)
few_and_slow = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def tracklet_of(number: int) -> np.ndarray:
    """Frames of one drawn figure that is lit anew in each."""
    picture = np.asarray(drawn_picture(number, height=256, width=128), np.float32)
    light = np.linspace(0.7, 1.0, LENGTHS[number], dtype=np.float32)
    return (picture * light[:, None, None, None]).astype(np.uint8)


TRACKLETS = [tracklet_of(number) for number in range(len(LENGTHS))]


async def embed_together(embedder: Embedder, numbers: Sequence[int]) -> list[np.ndarray]:
    return await asyncio.gather(*(embedder.embed(TRACKLETS[number]) for number in numbers))


PLANS = {
    "one lane": {"inference_provider": "cpu", "inference_lanes": 1, "max_batch_frames": 8},
    "two lanes": {"inference_provider": "cpu", "inference_lanes": 2, "max_batch_frames": 4},
    "padded": {"inference_provider": "cpu", "inference_lanes": 2, "batch_sizes": (3, 7)},
    "openvino": {"inference_provider": "openvino", "inference_lanes": 2, "max_batch_frames": 4},
}


class Batches(Unobserved):
    """How many were computed."""

    def __init__(self):
        self.count = 0

    def batch_done(self, **_):
        self.count += 1


@pytest.fixture(scope="module", params=PLANS.values(), ids=PLANS)
def served(request, tmp_path_factory):
    """An embedder of the shipped artifact, what it says of each tracklet alone, and its batches."""
    told = {**request.param, "inference_precision": "fp32", "inference_threads": 1}
    chosen = Settings(data_dir=tmp_path_factory.mktemp("data"), **told)
    batches = Batches()
    embedder = Embedder(open_artifact(ARTIFACT), chosen, observer=batches)
    embedder.start()
    alone = [asyncio.run(embed_together(embedder, [n]))[0] for n in range(len(LENGTHS))]
    yield embedder, alone, batches
    embedder.close()


def cosines(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> np.ndarray:
    """Of each pair of embeddings, which have length 1."""
    return np.einsum("nd,nd->n", np.array(found, np.float64), np.array(expected, np.float64))


def test_tracklets_alone_are_told_apart(served):
    """Otherwise rows that were swapped between tracklets would pass for the right ones."""
    _, alone, _ = served
    between = np.array(alone) @ np.array(alone).T
    assert between[~np.eye(len(alone), dtype=bool)].max() < 0.99


def test_tracklets_that_come_together_share_batches(served):
    """Otherwise every composition would be the same as each tracklet alone."""
    embedder, _, batches = served
    counts = []
    for together in ([[number] for number in range(len(LENGTHS))], [range(len(LENGTHS))]):
        before = batches.count
        for numbers in together:
            asyncio.run(embed_together(embedder, numbers))
        counts.append(batches.count - before)
    each_alone, all_together = counts
    assert all_together < each_alone


@few_and_slow
@given(numbers=compositions)
def test_any_composition_gives_each_tracklet_the_embedding_it_has_alone(served, numbers):
    embedder, alone, _ = served
    together = asyncio.run(embed_together(embedder, numbers))
    assert cosines(together, [alone[number] for number in numbers]).min() >= LEAST_COSINE
