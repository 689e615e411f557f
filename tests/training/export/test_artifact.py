import numpy as np
import onnx
import pytest

from model.manifest import load_manifest, model_fingerprint, verify_files
from training.evaluation.embed import embed_frames
from training.export.artifact import write_artifact
from training.export.export_options import ExportOptions
from training.export.publishing import golden_clip

SIZE = (64, 32)


def test_what_is_published_keeps_the_contract(published):
    manifest = load_manifest(published)
    verify_files(published, manifest)
    assert [(part.name, part.dimension) for part in manifest.output.parts] == [
        ("cnn", 256),
        ("transformer", 64),
    ]
    assert manifest.output.dimension == 320
    assert (manifest.preprocessing.height, manifest.preprocessing.width) == SIZE
    assert manifest.provenance.rank_1 == 61.25
    assert manifest.provenance.commit == "abc123"
    assert set(manifest.files) == {path.name for path in published.iterdir()} - {"manifest.json"}


def test_the_fingerprint_is_that_of_the_graph_as_published(published):
    manifest = load_manifest(published)
    assert manifest.model.fingerprint == model_fingerprint(
        manifest.files[manifest.graph.file].sha256, manifest.preprocessing, manifest.output
    )


def test_the_golden_clip_is_drawn_and_its_embedding_is_the_networks(published, small_network):
    clip = np.load(published / "golden_clip.npy", allow_pickle=False)
    golden = np.load(published / "golden_embedding.npy", allow_pickle=False)
    assert np.array_equal(clip, golden_clip(load_manifest(published).preprocessing))
    assert golden.dtype == np.float32
    assert np.linalg.norm(golden) == pytest.approx(1, abs=1e-5)
    assert float(golden @ embed_frames(small_network, clip)) >= 0.999999


def test_the_card_tells_data_results_and_use(published):
    card = " ".join((published / "MODEL_CARD.md").read_text().split())
    for text in ("Anything goes.", "drawn people", "| full | 61.25 |", "abc123", "1 dropped"):
        assert text in card


def test_a_directory_that_is_no_artifact_is_never_replaced(tmp_path, small_network, description):
    """`export weights artifacts` by mistake must not remove every artifact there is."""
    precious = tmp_path / "artifacts" / "other" / "manifest.json"
    precious.parent.mkdir(parents=True)
    precious.touch()
    with pytest.raises(ValueError, match="to be absent, empty or an artifact, received something"):
        write_artifact(small_network, tmp_path / "artifacts", description)
    assert precious.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["artifacts"]


def test_a_larger_input_and_weights_in_single_precision_pass_the_gate(
    tmp_path, small_network, description, published
):
    options = ExportOptions(input_size=(96, 40), weights_storage="fp32")
    manifest = write_artifact(small_network, tmp_path / "a", description, options)
    assert (manifest.preprocessing.height, manifest.preprocessing.width) == (96, 40)
    larger = manifest.files["model.onnx"].bytes / load_manifest(published).files["model.onnx"].bytes
    assert 1.5 < larger < 2.2
    graph = onnx.load(tmp_path / "a" / "model.onnx")
    assert not any(w.data_type == onnx.TensorProto.FLOAT16 for w in graph.graph.initializer)
    assert [d.dim_value for d in graph.graph.input[0].type.tensor_type.shape.dim][1:] == [96, 40, 3]
    assert np.load(tmp_path / "a" / "golden_clip.npy").shape == (4, 96, 40, 3)


def test_a_reduced_precision_is_held_against_the_network_in_single_precision(
    tmp_path, small_network, description, published
):
    options = ExportOptions(precision="fp16")
    manifest = write_artifact(small_network, tmp_path / "half", description, options)
    assert (manifest.graph.precision, manifest.gate.least_cosine) == ("fp16", 0.999)
    single, half = (np.load(one / "gate_embeddings.npy") for one in (published, tmp_path / "half"))
    np.testing.assert_allclose(half, single, atol=1e-3)  # both are the network's own
    assert manifest.gate.measured.least_cosine < 0.99999999
