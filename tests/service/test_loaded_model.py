import asyncio

import pytest

from service import loaded_model
from service.errors import NotReady
from service.inference.artifact import ArtifactError
from service.loaded_model import ModelWatch, open_model
from service.media.decode import FrameDecoder
from service.media.tracklet_source import EncodedFrames
from service.settings import Settings
from tests.artifact_factory import write_tiny_artifact
from tests.encoded_frames import encoded_frame


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path / "artifact")
    return tmp_path / "artifact"


def settings_for(tmp_path, **chosen):
    plan = {"inference_provider": "cpu", "inference_lanes": 1, "inference_threads": 1}
    return Settings(data_dir=tmp_path / "data", max_batch_frames=4, **{**plan, **chosen})


def opened(artifact, settings, report=lambda _: None):
    return asyncio.run(open_model(artifact, settings, ModelWatch(report)))


def test_it_embeds_until_it_is_closed_which_may_be_twice(artifact, tmp_path):
    async def life():
        model = await open_model(artifact, settings_for(tmp_path), ModelWatch(lambda _: None))
        decoded = await model.decoder.decode(EncodedFrames((encoded_frame(0),)))
        embedding = await model.embedder.embed(decoded.frames)
        assert embedding.shape == (model.identity.dimension,)
        assert model.identity.fingerprint == model.manifest.model.fingerprint
        await model.close()
        await model.close()
        with pytest.raises(NotReady):
            await model.embedder.embed(decoded.frames)
        with pytest.raises(NotReady):
            await model.decoder.decode(EncodedFrames((encoded_frame(0),)))

    asyncio.run(life())


def test_a_refused_artifact_is_told_and_says_which_phase_it_was_in(artifact, tmp_path):
    (artifact / "graph.onnx").write_bytes(b"another graph")
    told = []
    with pytest.raises(ArtifactError, match=r"graph\.onnx"):
        opened(artifact, settings_for(tmp_path), told.append)
    assert told == ["verifying the artifact"]


@pytest.mark.parametrize(("chosen", "threads"), [(0, 4), (3, 3)])
def test_the_decoder_has_the_threads_that_are_set_or_that_suit_the_cores(
    artifact, tmp_path, monkeypatch, chosen, threads
):
    made = []

    def decoder(limits, preprocessing, *, threads):
        made.append(threads)
        return FrameDecoder(limits, preprocessing, threads=threads)

    monkeypatch.setattr(loaded_model, "FrameDecoder", decoder)
    monkeypatch.setattr(loaded_model, "usable_cores", lambda: 16)
    model = opened(artifact, settings_for(tmp_path, decode_threads=chosen))
    asyncio.run(model.close())
    assert made == [threads]
