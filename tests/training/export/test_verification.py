"""Each way in which an artifact can be another than the one that was exported, by its name."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from model.manifest import ArtifactError, file_digest, load_manifest, save_manifest
from tests.artifact_factory import write_tiny_artifact
from training.export import verification
from training.export.gate import GateError
from training.export.verification import verify_artifact


@pytest.fixture
def artifact(published, tmp_path):
    """A copy that may be changed."""
    return shutil.copytree(published, tmp_path / "artifact")


def changed(artifact, *files, **fields):
    """Write the manifest again, as somebody would who knows how: with digests of what is there."""
    manifest = load_manifest(artifact)
    digests = {**manifest.files, **{name: file_digest(artifact / name) for name in files}}
    save_manifest(artifact, manifest.model_copy(update={"files": digests, **fields}))


def rewritten_gate(artifact, **fields):
    gate = load_manifest(artifact).gate
    return gate.model_copy(update=fields)


def test_what_was_exported_is_verified(published):
    manifest = load_manifest(published)
    found = verify_artifact(published)
    assert (found.name, found.version, found.precision) == ("tiny", "0.0.1", "fp32")
    assert found.fingerprint == manifest.model.fingerprint
    assert found.files == len(manifest.files)
    assert found.golden_cosine >= 0.99999
    assert found.least_cosine >= found.least_cosine_allowed == 0.9999
    assert found.mean_average_precision == manifest.gate.measured.mean_average_precision
    assert found.reference_mean_average_precision == manifest.gate.mean_average_precision
    assert found.drawn_as_exported


def test_verifying_needs_no_torch(published):
    code = f"""
import sys
from pathlib import Path
from training.export.verification import verify_artifact
verify_artifact(Path({str(published)!r}))
assert not {{"torch", "timm", "onnx", "openvino"}} & set(sys.modules), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize(
    "name", ["model.onnx", "golden_clip.npy", "golden_embedding.npy", "gate_embeddings.npy"]
)
def test_a_changed_file_is_refused_by_name(artifact, name):
    content = bytearray((artifact / name).read_bytes())
    content[-1] ^= 1
    (artifact / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=f"expected '{name}' with sha256"):
        verify_artifact(artifact)


def test_an_edited_manifest_is_refused(artifact):
    path = artifact / "manifest.json"
    path.write_text(path.read_text().replace('"least_cosine": 0.9999,', '"least_cosine": 0.5,'))
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        verify_artifact(artifact)


def test_an_artifact_without_a_gate_cannot_be_verified(tmp_path):
    write_tiny_artifact(tmp_path)
    with pytest.raises(ArtifactError, match=r"received a manifest without a gate; export the art"):
        verify_artifact(tmp_path)


def test_another_golden_embedding_is_refused(artifact):
    golden = np.load(artifact / "golden_embedding.npy")
    golden[:256] = golden[:256][::-1]
    np.save(artifact / "golden_embedding.npy", golden)
    changed(artifact, "golden_embedding.npy")
    with pytest.raises(
        GateError, match=r"expected the golden clip to give 'golden_embedding\.npy'"
    ):
        verify_artifact(artifact)


def test_other_stored_embeddings_are_refused(artifact):
    """The graph is then not the one that passed this gate."""
    stored = np.load(artifact / "gate_embeddings.npy")
    stored[-1, 256:] = stored[-1, 256:][::-1]  # the narrow part of one tracklet
    np.save(artifact / "gate_embeddings.npy", stored)
    changed(artifact, "gate_embeddings.npy")
    with pytest.raises(GateError, match="at the mini-gallery, received .* in row 127"):
        verify_artifact(artifact)


def test_a_graph_that_finds_other_people_is_refused(artifact):
    better = load_manifest(artifact).gate.mean_average_precision - 0.2
    changed(artifact, gate=rewritten_gate(artifact, mean_average_precision=better))
    with pytest.raises(GateError, match=r"expected a mAP within 0\.1 points of"):
        verify_artifact(artifact)


def test_a_failure_on_people_drawn_otherwise_says_so(artifact):
    """Another version of the drawing libraries must not look like a broken graph."""
    gate = rewritten_gate(artifact)
    other = gate.mini_gallery.model_copy(update={"sha256": "0" * 64})
    changed(artifact, gate=gate.model_copy(update={"mini_gallery": other}))
    assert not verify_artifact(artifact).drawn_as_exported
    another_seed = other.model_copy(update={"seed": 8})
    changed(artifact, gate=gate.model_copy(update={"mini_gallery": another_seed}))
    with pytest.raises(
        GateError, match=r"may not be the graph: it was exported with numpy \d.*, pillow \d"
    ):
        verify_artifact(artifact)


def test_no_more_people_are_drawn_than_have_embeddings(artifact, monkeypatch):
    monkeypatch.setattr(verification, "redraw_gallery", None)
    gate = load_manifest(artifact).gate
    crowd = gate.mini_gallery.model_copy(update={"identities": 1000})
    changed(artifact, gate=gate.model_copy(update={"mini_gallery": crowd}))
    with pytest.raises(ArtifactError, match=r"gate_embeddings\.npy.*4000"):
        verify_artifact(artifact)
