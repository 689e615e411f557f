"""Whatever the registry builds is exported, passes the gate, and tells nothing of the machine."""

import re

import numpy as np
import onnx
import pytest
import torch

from model.normalization import FrameNormalization
from model.registry import MODELS
from tests.exported_networks import CLIP_FRAMES, CONFIGS, SIZE, trained_network
from training.export.artifact import write_artifact
from training.export.graph_runner import onnx_runner

CLIP_MODELS = sorted(set(CONFIGS) - {"student"})


@pytest.fixture(scope="module", params=CLIP_MODELS)
def exported(request, tmp_path_factory, description):
    network = trained_network(request.param)
    directory = tmp_path_factory.mktemp("clips") / request.param
    return network, directory, write_artifact(network, directory, description)


def test_there_is_a_network_of_every_kind():
    assert {config.kind for config in CONFIGS.values()} == set(MODELS)


def test_a_clip_models_graph_gives_the_networks_own_embedding(exported):
    """Seen from outside the gate: clips of noise, any number of them, and the network itself."""
    network, directory, manifest = exported
    assert manifest.graph.batching_unit == "clip"
    assert manifest.preprocessing.frames_per_clip == CLIP_FRAMES
    assert (manifest.input.axes, manifest.input.dynamic) == (("b", "t", "h", "w", "c"), ("b",))
    assert manifest.output.pooling == "none"
    assert [part.name for part in manifest.output.parts] == list(network.embedding_parts)
    run = onnx_runner(directory / manifest.graph.file)
    for count in (1, 2, 7, 16):
        clips = torch.randint(0, 256, (count, CLIP_FRAMES, *SIZE, 3), dtype=torch.uint8)
        with torch.inference_mode():
            frames = FrameNormalization()(clips.flatten(0, 1))
            expected = network.embed(frames.unflatten(0, (count, CLIP_FRAMES))).numpy()
        received = run(clips.numpy())
        assert received.shape == expected.shape
        np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-5)
        assert (received * expected).sum(axis=1).min() >= 0.9999


def test_nothing_tells_of_the_machine_that_exported(exported):
    """Of all that is no weight: no path, no trace, no name of a source file."""
    _, directory, manifest = exported
    graph = onnx.load(directory / manifest.graph.file)
    for weight in graph.graph.initializer:
        weight.ClearField("raw_data")
    told = graph.SerializeToString() + (directory / "manifest.json").read_bytes()
    assert not re.search(rb"(?:/[\w.-]+){2,}|[A-Za-z]:\\\\|\.py\b|site-packages|torch\.fx", told)
