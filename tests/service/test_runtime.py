import asyncio

import numpy as np
import pytest

from model.manifest import ArtifactError
from service.errors import NoReadableFrame, ReidError
from service.media.tracklet_source import EncodedFrames
from service.runtime import open_runtime
from service.settings import Settings
from tests.people import frames_of

INFERENCE = {
    "inference_provider": "cpu",
    "inference_threads": 1,
    "inference_lanes": 1,
    "batch_sizes": (1, 2),
}


def settings(artifact_dir, data_dir, **more) -> Settings:
    return Settings(artifact_dir=artifact_dir, data_dir=data_dir, **INFERENCE, **more)


def test_an_open_runtime_embeds_and_says_what_it_did_on_the_way(artifact_dir, tmp_path):
    async def story():
        phases = []
        async with open_runtime(settings(artifact_dir, tmp_path), phases.append) as runtime:
            assert (await runtime.gallery.health()).ready
            assert runtime.embedder.ready
            embedded = await runtime.embed(EncodedFrames((b"text", *frames_of("red"))))
        assert embedded.embedding.shape == (20,)
        assert np.linalg.norm(embedded.embedding) == pytest.approx(1, abs=1e-6)
        assert [frame.index for frame in embedded.decoded.rejected] == [0]
        assert phases == [
            "verifying the artifact",
            "opening cpu fp32, 1 x 1 threads, batches of 2",
            "reproducing the golden clip",
            "warming up: batch size 1 of 2",
            "warming up: batch size 2 of 2",
            "reading the galleries",
        ]
        assert not runtime.embedder.ready

    asyncio.run(story())


def test_the_limits_of_a_frame_come_from_the_settings(artifact_dir, tmp_path):
    async def story(**limit):
        small = settings(artifact_dir, tmp_path, **limit)
        async with open_runtime(small, lambda _: None) as runtime:
            await runtime.embed(EncodedFrames(tuple(frames_of("red"))))

    for limit, said in (
        ({"max_frame_bytes": 10}, "expected at most 10 bytes"),
        ({"max_frame_pixels": 100}, "expected at most 100 pixels"),
        ({"max_frame_side_px": 63}, "expected sides of 1 to 63 px"),
        ({"image_formats": ("JPEG",)}, "expected JPEG data"),
    ):
        with pytest.raises(NoReadableFrame, match=said):
            asyncio.run(story(**limit))


def test_a_missing_artifact_is_named(tmp_path):
    async def story():
        async with open_runtime(settings(tmp_path / "none", tmp_path), lambda _: None):
            pass

    with pytest.raises(ArtifactError, match=r"expected an artifact manifest at .*none"):
        asyncio.run(story())


def test_a_store_has_one_owner_and_is_free_again_afterwards(artifact_dir, tmp_path):
    async def story():
        chosen = settings(artifact_dir, tmp_path)
        async with open_runtime(chosen, lambda _: None):
            with pytest.raises(ReidError):
                async with open_runtime(chosen, lambda _: None):
                    pass
        async with open_runtime(chosen, lambda _: None) as runtime:
            assert (await runtime.gallery.health()).ready

    asyncio.run(story())
