"""Two real models that users bring give the embeddings that their own runtimes give."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from model.manifest import load_manifest
from tests.foreign_graphs import CARD
from training.data.synthetic import SyntheticWorld
from training.export.foreign_input import ForeignInput
from training.export.graph_runner import open_runner
from training.export.imported_artifact import Foreign, write_imported_artifact
from training.export.openvino_runtime import openvino_runtime

ROOT = Path(__file__).resolve().parents[2]
MODELS = Path(os.environ.get("RESEARCH_DATA", ROOT.parent / "shared" / "data")) / "models"
OSNET = MODELS / "osnet_x0_25_msmt17" / "osnet_x0_25_msmt17.onnx"
RETAIL = MODELS / "person-reidentification-retail-0277" / "person-reidentification-retail-0277.xml"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

pytestmark = [
    pytest.mark.research_data,
    pytest.mark.skipif(
        not MODELS.is_dir(), reason="no models: set RESEARCH_DATA to the folder of models"
    ),
]


def osnet(frames):
    """Its own runtime, its preprocessing written out."""
    session = onnxruntime.InferenceSession(OSNET, providers=["CPUExecutionProvider"])
    values = ((frames / 255 - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)
    return session.run(None, {"input": values})[0]


def retail(frames):
    """Its own runtime, frame by frame as its batch of 1 wants, blue first."""
    compiled = (
        openvino_runtime().Core().compile_model(RETAIL, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    )
    values = frames[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    return np.concatenate([compiled(one[None])[0].copy() for one in values])


CASES = {
    "osnet": (OSNET, ForeignInput("NCHW", "RGB", 255, MEAN, STD), osnet, 512),
    "retail": (RETAIL, ForeignInput("NCHW", "BGR", 1, (0, 0, 0), (1, 1, 1)), retail, 256),
}


@pytest.mark.parametrize("name", CASES)
def test_it_gives_the_embeddings_of_the_original(tmp_path, name):
    path, wanted, original, dimension = CASES[name]
    directory = tmp_path / name
    write_imported_artifact(Foreign(path, None, wanted, 32), directory, CARD, commit="abc123")
    world = SyntheticWorld(seed=11, identities=5, cameras=2, height=256, width=128)
    frames = np.concatenate([world.tracklet(one, one % 2, frames=3).frames for one in range(5)])
    received = open_runner(directory, load_manifest(directory).graph)(frames)
    expected = original(frames)
    assert received.shape == (15, dimension)
    cosine = (expected * received).sum(1) / (
        np.linalg.norm(expected, axis=1) * np.linalg.norm(received, axis=1)
    )
    assert cosine.min() >= 0.9999
