import httpx

from model.manifest import load_manifest


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
    }
    assert answer["provenance"]["data_licence"] == "none"


def test_every_answer_names_the_model(http: httpx.Client):
    served = http.get("/model").json()
    assert set(served) >= {"name", "version", "fingerprint"}
