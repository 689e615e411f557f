import asyncio
import dataclasses

import numpy as np
import pytest

from model.manifest import ArtifactError
from service.batching.backend import BackendLost
from service.batching.observer import Unobserved
from service.errors import InvalidInput, NotReady
from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder
from service.inference.tracklet_items import tracklet_items
from service.settings import Settings
from tests.artifact_factory import DIMENSION, reference_embedding, write_tiny_artifact

SETTINGS = Settings(
    inference_provider="cpu", inference_threads=1, inference_lanes=2, batch_sizes=(1, 2, 3)
)


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path)
    return open_artifact(tmp_path)


@pytest.fixture
def embedder(artifact):
    made = Embedder(artifact, SETTINGS)
    made.start()
    yield made
    made.close()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def tracklet(seed, length):
    return np.random.default_rng(seed).integers(0, 256, (length, 64, 32, 3), dtype=np.uint8)


def test_golden_clip_gives_the_golden_embedding(embedder, artifact):
    embedding = run(embedder.embed(artifact.golden_clip))

    np.testing.assert_allclose(embedding, artifact.golden_embedding, atol=1e-6)


def test_embedding_is_float32_of_length_one(embedder):
    embedding = run(embedder.embed(tracklet(1, 5)))

    assert embedding.shape == (DIMENSION,)
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-6)


def test_embedding_equals_the_pooled_rows_whatever_else_is_in_the_batch(embedder):
    tracklets = [tracklet(seed, 1 + seed) for seed in range(6)]

    async def together():
        return await asyncio.gather(*(embedder.embed(frames) for frames in tracklets))

    for frames, embedding in zip(tracklets, run(together()), strict=True):
        rows = np.concatenate([embedder._engine.lanes[0].run(frame[None]) for frame in frames])
        np.testing.assert_allclose(embedding, reference_embedding(rows), atol=1e-5)


def test_order_of_frames_does_not_matter(embedder):
    frames = tracklet(2, 7)

    np.testing.assert_allclose(
        run(embedder.embed(frames)), run(embedder.embed(frames[::-1])), atol=1e-6
    )


def test_colour_matters(embedder):
    red, blue = np.zeros((2, 1, 64, 32, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255

    assert run(embedder.embed(red)) @ run(embedder.embed(blue)) < 0.9


@pytest.mark.parametrize(
    ("frames", "received"),
    [
        (np.zeros((2, 64, 32, 3), np.float32), "float32 [2, 64, 32, 3]"),
        (np.zeros((2, 32, 64, 3), np.uint8), "uint8 [2, 32, 64, 3]"),
        (np.zeros((64, 32, 3), np.uint8), "uint8 [64, 32, 3]"),
        (np.zeros((0, 64, 32, 3), np.uint8), "uint8 [0, 64, 32, 3]"),
        (np.zeros((2, 64, 32, 4), np.uint8), "uint8 [2, 64, 32, 4]"),
    ],
)
def test_frames_of_another_kind_are_refused(embedder, frames, received):
    with pytest.raises(InvalidInput) as refusal:
        run(embedder.embed(frames))

    assert refusal.value.expected == "frames uint8 [t, 64, 32, 3] with t of 1 or more"
    assert refusal.value.received == received
    assert refusal.value.remedy == "decode and resize the frames as the manifest says"


def test_ready_from_start_to_close(artifact):
    embedder = Embedder(artifact, SETTINGS)
    before = embedder.ready
    with pytest.raises(NotReady):
        run(embedder.embed(tracklet(1, 1)))
    embedder.start()
    between = embedder.ready
    embedder.close()

    assert (before, between, embedder.ready) == (False, True, False)
    with pytest.raises(NotReady):
        run(embedder.embed(tracklet(1, 1)))


def test_golden_clip_that_is_not_reproduced_stops_the_start(artifact):
    other = dataclasses.replace(artifact, golden_clip=tracklet(5, 4))
    embedder = Embedder(other, SETTINGS)

    with pytest.raises(ArtifactError) as refusal:
        embedder.start()

    text = str(refusal.value)
    assert "reproduce its golden clip with cosine 0.9999 or more on onnxruntime/CPU" in text
    assert text.endswith("; export the artifact again with the runtime version that is installed")
    assert not embedder.ready


def test_golden_embedding_that_is_nearly_reproduced_stops_the_start(artifact):
    golden = artifact.golden_embedding
    aside = np.roll(golden, 1) - (np.roll(golden, 1) @ golden) * golden
    near = 0.999 * golden + np.sqrt(1 - 0.999**2) * aside / np.linalg.norm(aside)
    other = dataclasses.replace(artifact, golden_embedding=near.astype(np.float32))

    with pytest.raises(
        ArtifactError, match=r"0.9999 or more on .* in fp32, received cosine 0.99900\d;"
    ):
        Embedder(other, SETTINGS).start()


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_golden_clip_without_an_embedding_stops_the_start(artifact, monkeypatch, value):
    embedder = Embedder(artifact, SETTINGS)
    monkeypatch.setattr(
        embedder._engine.lanes[1],
        "run",
        lambda rows: np.full((len(rows), DIMENSION), value, np.float32),
    )

    with pytest.raises(ArtifactError, match=r"golden clip .* received no embedding: expected"):
        embedder.start()


def test_runtime_that_fails_on_the_golden_clip_stops_the_start(artifact):
    other = dataclasses.replace(artifact, golden_clip=np.zeros((1, 9, 9, 3), np.uint8))

    with pytest.raises(ArtifactError, match=r"received no embedding: .*INVALID_ARGUMENT"):
        Embedder(other, SETTINGS).start()


def test_start_proves_every_lane_and_warms_every_size_on_it(artifact, monkeypatch):
    told = []
    embedder = Embedder(artifact, SETTINGS, report=told.append)
    sizes = {0: [], 1: []}
    for place, lane in enumerate(embedder._engine.lanes):

        def spied(rows, original=lane.run, seen=sizes[place]):
            seen.append(len(rows))
            return original(rows)

        monkeypatch.setattr(lane, "run", spied)
    embedder.start()
    embedder.close()

    assert sizes == {0: [3, 1, 3, 2, 1], 1: [3, 1, 3, 2, 1]}
    assert told == [
        "opening cpu fp32, 2 x 1 threads, batches of 3",
        "reproducing the golden clip",
        *(f"warming up: batch size {number} of 3" for number in (1, 2, 3)),
    ]


def test_queue_must_hold_the_longest_tracklet(artifact):
    with pytest.raises(ValueError, match=r"at least max_frames \(9\), received 8; raise REID_MAX"):
        Embedder(artifact, Settings(max_frames=9, max_queue_frames=8))


def test_what_is_served_can_be_asked(embedder, artifact):
    served = embedder.served

    assert embedder.manifest is artifact.manifest
    assert embedder.backend_name == "onnxruntime/CPUExecutionProvider"
    assert served.backends == ("onnxruntime/CPUExecutionProvider",) * 2
    assert served.precision == "fp32"
    assert (served.plan.lanes, served.plan.threads, served.plan.batch_sizes) == (2, 1, (1, 2, 3))
    assert served.golden_cosine == pytest.approx(1, abs=1e-6)


def test_observer_hears_of_batches_and_the_owner_of_a_lost_device(artifact, monkeypatch):
    heard, lost = [], []

    class Hears(Unobserved):
        def batch_done(self, *, items, size, run_s):
            heard.append((items, size))

    embedder = Embedder(artifact, SETTINGS, observer=Hears(), on_lost=lost.append)
    embedder.start()
    try:
        run(embedder.embed(tracklet(1, 1)))

        def breaks(rows):
            raise BackendLost("the device is gone")

        for lane in embedder._engine.lanes:
            monkeypatch.setattr(lane, "run", breaks)
        with pytest.raises(NotReady):
            run(embedder.embed(tracklet(1, 1)))
        assert embedder.health.lost
        assert not embedder.ready
    finally:
        embedder.close()
    assert heard == [(1, 1)]
    assert [str(error) for error in lost] == ["the device is gone"]


@pytest.mark.parametrize("length", [1, 3, 4, 5, 8])
def test_model_of_clips_gives_a_tracklet_the_mean_of_its_clips(tmp_path, length):
    write_tiny_artifact(tmp_path, unit="clip")
    embedder = Embedder(open_artifact(tmp_path), SETTINGS)
    embedder.start()
    try:
        frames = tracklet(3, length)
        embedding = run(embedder.embed(frames))
        clips = tracklet_items(frames, embedder.manifest)
        assert embedder.items_of(length) == len(clips)
        expected = reference_embedding(embedder._engine.lanes[0].run(clips))
    finally:
        embedder.close()
    np.testing.assert_allclose(embedding, expected, atol=1e-5)


def test_items_of_frames_are_those_that_the_manifest_chooses(embedder):
    assert [embedder.items_of(frames) for frames in (0, 1, 8, 9, 100)] == [0, 1, 8, 8, 8]
