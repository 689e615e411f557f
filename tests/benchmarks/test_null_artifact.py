import asyncio

import numpy as np
import pytest

from benchmarks.null_artifact import DIMENSION, HEIGHT, WIDTH, write_null_artifact
from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder
from service.settings import Settings


def test_the_service_serves_it_and_it_looks_at_its_frames(tmp_path):
    write_null_artifact(tmp_path / "null")
    settings = Settings(
        data_dir=tmp_path / "data",
        inference_provider="cpu",
        inference_lanes=1,
        inference_threads=1,
        max_batch_frames=4,
    )
    embedder = Embedder(open_artifact(tmp_path / "null"), settings)
    embedder.start()
    assert embedder.served.golden_cosine == pytest.approx(1, abs=1e-5)
    frames = np.random.default_rng(1).integers(1, 256, (2, HEIGHT, WIDTH, 3), dtype=np.uint8)
    embedding = asyncio.run(embedder.embed(frames))
    embedder.close()
    mean = frames[:, ::64, ::16, :].reshape(2, DIMENSION).mean(axis=0)
    np.testing.assert_allclose(embedding, mean / np.linalg.norm(mean), atol=1e-6)
