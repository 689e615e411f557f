import json

import numpy as np
import pytest

from model.manifest import load_manifest, model_fingerprint, verify_files
from training.export import artifact as artifact_module
from training.export.artifact import write_artifact
from training.export.drawn_frames import golden_clip, parity_frames
from training.export.parity import ParityError, onnx_runner, torch_runner

SIZE = (64, 32)


@pytest.fixture(scope="module")
def published(tmp_path_factory, small_network, description):
    directory = tmp_path_factory.mktemp("artifacts") / "tiny"
    write_artifact(
        small_network, directory, description,
        frames=parity_frames(SIZE), golden_clip=golden_clip(SIZE)
    )  # fmt: skip
    return directory


def test_what_is_published_keeps_the_contract(published):
    manifest = load_manifest(published)
    verify_files(published, manifest)
    assert [(part.name, part.dimension) for part in manifest.output.parts] == [
        ("cnn", 1280),
        ("transformer", 192),
    ]
    assert manifest.output.dimension == 1472
    assert (manifest.preprocessing.height, manifest.preprocessing.width) == SIZE
    assert manifest.provenance.rank_1 == 61.25
    assert manifest.provenance.commit == "abc123"
    assert set(manifest.files) == {path.name for path in published.iterdir()} - {"manifest.json"}


def test_the_fingerprint_is_that_of_the_graph_as_published(published):
    manifest = load_manifest(published)
    assert manifest.model.fingerprint == model_fingerprint(
        manifest.files[manifest.graph.file].sha256, manifest.preprocessing, manifest.output
    )


def test_the_graph_takes_any_number_of_frames_and_is_the_network(published, small_network):
    """Parity at 1, 2, 7 and 64 with different rows, seen here once more from outside the gate."""
    run, reference = onnx_runner(published / "model.onnx"), torch_runner(small_network)
    frames = parity_frames(SIZE)
    for count in (1, 2, 7, 64):
        expected, received = reference(frames[:count]), run(frames[:count])
        assert received.shape == (count, 1472)
        cosine = (expected * received).sum(1) / (
            np.linalg.norm(expected, axis=1) * np.linalg.norm(received, axis=1)
        )
        assert cosine.min() >= 0.9999


def test_the_golden_clip_is_drawn_and_its_embedding_has_length_one(published):
    clip = np.load(published / "golden_clip.npy", allow_pickle=False)
    golden = np.load(published / "golden_embedding.npy", allow_pickle=False)
    assert np.array_equal(clip, golden_clip(SIZE))
    assert golden.dtype == np.float32
    assert np.linalg.norm(golden) == pytest.approx(1, abs=1e-5)


def test_a_failed_gate_publishes_nothing_and_keeps_what_was_there(
    tmp_path, small_network, description, monkeypatch
):
    directory = tmp_path / "tiny"
    directory.mkdir()
    (directory / "manifest.json").write_text(json.dumps({"earlier": True}))

    def wrong_runner(path):
        run = onnx_runner(path)
        return lambda frames: run(frames)[::-1].copy()

    monkeypatch.setattr(artifact_module, "onnx_runner", wrong_runner)
    with pytest.raises(ParityError):
        write_artifact(
            small_network, directory, description,
        frames=parity_frames(SIZE), golden_clip=golden_clip(SIZE)
        )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    assert json.loads((directory / "manifest.json").read_text()) == {"earlier": True}


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
        write_artifact(
            small_network,
            tmp_path / "artifacts",
            description,
            frames=parity_frames(SIZE),
            golden_clip=golden_clip(SIZE),
        )
    assert precious.exists()
