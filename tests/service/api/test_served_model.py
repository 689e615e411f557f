import httpx
import pytest

from model.manifest import load_manifest
from tests.artifact_factory import write_tiny_artifact
from tests.live_service import live_service
from tests.people import frames_of, parts_of


def test_the_model_is_described_as_its_manifest_says(http: httpx.Client, artifact_dir):
    manifest = load_manifest(artifact_dir)
    answer = http.get("/model").json()
    assert answer["name"] == manifest.model.name
    assert answer["version"] == manifest.model.version
    assert answer["fingerprint"] == manifest.model.fingerprint
    assert answer["dimension"] == manifest.output.dimension
    assert answer["precision"] == "fp32"
    assert "CPU" in answer["provider"]
    assert answer["preprocessing"] == {
        "height": 64,
        "width": 32,
        "interpolation": "bilinear_antialias",
        "colour": "RGB",
        "most_frames": 8,
        "frames_per_clip": None,
    }
    assert answer["inference"] == {
        "backends": ["onnxruntime/CPUExecutionProvider"],
        "precision": "fp32",
        "batching_unit": "frame",
        "lanes": 1,
        "threads": 1,
        "batch_sizes": [1, 2, 3, 4, 5, 6, 7, 8],
        "golden_cosine": pytest.approx(1, abs=1e-6),
    }
    assert answer["provenance"]["data_licence"] == "none"


def test_every_answer_names_the_model(http: httpx.Client):
    served = http.get("/model").json()
    assert set(served) >= {"name", "version", "fingerprint"}


def test_what_was_measured_serves_models_of_clips_too(tmp_path):
    write_tiny_artifact(tmp_path / "artifact", unit="clip")
    settings = {"REID_INFERENCE_PROVIDER": "auto", "REID_INFERENCE_LANES": "2"}
    settings["REID_MAX_BATCH_FRAMES"] = "0"
    with live_service(tmp_path / "artifact", tmp_path / "data", settings=settings) as service:
        model = httpx.get(f"{service.url}/model").json()
        embedded = httpx.post(f"{service.url}/embed", files=parts_of(frames_of("red"))).json()
    assert model["preprocessing"]["frames_per_clip"] == 4
    assert model["inference"]["batching_unit"] == "clip"
    assert len(model["inference"]["backends"]) == model["inference"]["lanes"] == 2
    assert model["inference"]["golden_cosine"] >= 0.9999
    assert embedded["dimension"] == len(embedded["embedding"]) == 20
    assert len(list((tmp_path / "data" / "inference").glob("plan-*.json"))) == 1
