"""What was learned is what is served: from the file on disk to the embedding, two code bases."""

import asyncio

import numpy as np
import pytest
import torch
from PIL import Image

from model.registry import build_model
from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder
from service.media.decode import FrameDecoder, MediaLimits
from service.media.decode_budget import DecodeLimits
from service.media.frame_limits import FrameLimits
from service.media.tracklet_source import EncodedFrames
from service.media.video_limits import VideoLimits
from service.settings import Settings
from tests.evaluation_reports import made_up_report
from tests.tiny_models import tiny_dcct
from training.data.frame_reading import read_frame
from training.data.synthetic import SyntheticWorld
from training.data.tracklet import Tracklet
from training.evaluation.embed import embed_frames
from training.export.artifact import write_artifact
from training.export.description import ArtifactCard, ArtifactDescription

SIZE = (64, 32)


def sent(tracklet):
    return EncodedFrames(tuple(path.read_bytes() for path in tracklet.frames))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    network = build_model(tiny_dcct(spatial="gap", temporal="tap")).train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randn(8, 2, 3, *SIZE))
    return network.eval()


@pytest.fixture(scope="module")
def artifact_dir(network, tmp_path_factory):
    description = ArtifactDescription(
        card=ArtifactCard(name="a", version="1", data="drawn", data_licence="none", training="no"),
        commit="none",
        report=made_up_report(),
    )  # fmt: skip
    directory = tmp_path_factory.mktemp("contract") / "artifact"
    write_artifact(network, directory, description)
    return directory


@pytest.fixture(scope="module")
def tracklet(tmp_path_factory):
    """Forty drawn frames on disk, larger than the model's input; more than the model will use."""
    folder = tmp_path_factory.mktemp("tracklet")
    world = SyntheticWorld(seed=5, identities=1, cameras=1, height=150, width=70)
    paths = []
    for position, frame in enumerate(world.tracklet(0, 0, frames=40).frames):
        path = folder / f"{position:03d}.{('jpg', 'png', 'webp')[position % 3]}"
        Image.fromarray(frame).save(path)
        paths.append(path)
    return Tracklet("drawn", 1, 1, tuple(paths))


def decoder_for(manifest):
    frame = FrameLimits(
        max_bytes=10**6, max_pixels=10**6, max_side_px=4096, formats=("JPEG", "PNG", "WEBP")
    )
    return FrameDecoder(
        MediaLimits(frame, DecodeLimits(60.0, 10**9), VideoLimits(1, 1.0)),
        manifest.preprocessing,
        threads=1,
    )


def test_both_sides_see_the_same_pixels(artifact_dir, tracklet):
    manifest = open_artifact(artifact_dir).manifest
    decoder = decoder_for(manifest)
    try:
        decoded = asyncio.run(decoder.decode(sent(tracklet)))
    finally:
        decoder.close()
    assert decoded.used == manifest.preprocessing.choice.indices(40)
    for position, frame in zip(decoded.used, decoded.frames, strict=True):
        expected = read_frame(tracklet.frames[position], height=SIZE[0], width=SIZE[1])
        assert np.array_equal(frame, expected)


def test_the_service_gives_the_networks_own_embedding(network, artifact_dir, tracklet):
    artifact = open_artifact(artifact_dir)
    chosen = artifact.manifest.preprocessing.choice.indices(len(tracklet.frames))
    height, width = SIZE
    frames = [read_frame(tracklet.frames[i], height=height, width=width) for i in chosen]
    expected = embed_frames(network, np.stack(frames))
    embedder = Embedder(
        artifact,
        Settings(
            artifact_dir=artifact_dir,
            inference_provider="cpu",
            inference_lanes=1,
            max_batch_frames=8,
        ),
    )
    decoder = decoder_for(artifact.manifest)

    async def embed():
        decoded = await decoder.decode(sent(tracklet))
        return await embedder.embed(decoded.frames)

    embedder.start()
    try:
        received = asyncio.run(embed())
    finally:
        embedder.close()
        decoder.close()
    assert received.shape == expected.shape == (320,)
    assert float(received @ expected) >= 0.9999
