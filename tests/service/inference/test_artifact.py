import io
import zipfile

import numpy as np
import pytest

from model.manifest import ArtifactError, file_digest, model_fingerprint, save_manifest
from service.inference.artifact import open_artifact
from tests.artifact_factory import DIMENSION, write_tiny_artifact


@pytest.fixture
def manifest(tmp_path):
    return write_tiny_artifact(tmp_path)


def republish(directory, manifest, **changes):
    """Write the manifest again, true to the files as they are now."""
    files = {name: file_digest(directory / name) for name in manifest.files}
    changed = manifest.model_copy(update={"files": files, **changes})
    fingerprint = model_fingerprint(
        files[changed.graph.file].sha256, changed.preprocessing, changed.output
    )
    identity = changed.model.model_copy(update={"fingerprint": fingerprint})
    save_manifest(directory, changed.model_copy(update={"model": identity}))


def test_opened_artifact_holds_what_was_written(tmp_path, manifest):
    artifact = open_artifact(tmp_path)

    assert artifact.manifest == manifest
    assert artifact.graph == tmp_path / "graph.onnx"
    assert np.array_equal(artifact.golden_clip, np.load(tmp_path / "golden_clip.npy"))
    assert artifact.golden_clip.dtype == np.uint8
    assert np.array_equal(artifact.golden_embedding, np.load(tmp_path / "golden_embedding.npy"))
    assert artifact.golden_embedding.dtype == np.float32


def test_missing_directory(tmp_path):
    with pytest.raises(ArtifactError, match=r"expected an artifact manifest at .*nowhere"):
        open_artifact(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["graph.onnx", "golden_clip.npy", "golden_embedding.npy"])
def test_one_changed_byte_is_found(tmp_path, manifest, name):
    content = bytearray((tmp_path / name).read_bytes())
    content[-1] ^= 1
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ArtifactError, match=f"expected '{name}' with sha256"):
        open_artifact(tmp_path)


@pytest.mark.parametrize("name", ["golden_clip.npy", "golden_embedding.npy"])
@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_golden_file_that_is_no_array(tmp_path, manifest, name, content):
    (tmp_path / name).write_bytes(content)
    republish(tmp_path, manifest)

    with pytest.raises(ArtifactError, match=rf"expected an array in .*{name}, received: .*again"):
        open_artifact(tmp_path)


def test_golden_pickle_is_not_opened(tmp_path, manifest):
    np.save(tmp_path / "golden_clip.npy", np.array([{"a": 1}], dtype=object))
    republish(tmp_path, manifest)

    with pytest.raises(ArtifactError, match="Python objects"):
        open_artifact(tmp_path)


def test_golden_archive_is_refused(tmp_path, manifest):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.npy", b"")
    (tmp_path / "golden_clip.npy").write_bytes(stream.getvalue())
    republish(tmp_path, manifest)

    with pytest.raises(ArtifactError, match=r"expected one array in .* received an archive"):
        open_artifact(tmp_path)


@pytest.mark.parametrize(
    ("clip", "received"),
    [
        (np.zeros((4, 64, 32, 3), np.float32), r"float32 \[4, 64, 32, 3\]"),
        (np.zeros((64, 32, 3), np.uint8), r"uint8 \[64, 32, 3\]"),
        (np.zeros((0, 64, 32, 3), np.uint8), r"uint8 \[0, 64, 32, 3\]"),
        (np.zeros((4, 32, 64, 3), np.uint8), r"uint8 \[4, 32, 64, 3\]"),
    ],
)
def test_golden_clip_of_another_shape(tmp_path, manifest, clip, received):
    np.save(tmp_path / "golden_clip.npy", clip)
    republish(tmp_path, manifest)

    expected = r"expected 'golden_clip.npy' to be uint8 \[t, 64, 32, 3\], received "
    with pytest.raises(ArtifactError, match=expected + received + "; export the artifact again"):
        open_artifact(tmp_path)


@pytest.mark.parametrize(
    ("embedding", "received"),
    [
        (np.ones(DIMENSION), r"float64 \[20\]"),
        (np.ones(DIMENSION + 1, np.float32), r"float32 \[21\]"),
    ],
)
def test_golden_embedding_of_another_shape(tmp_path, manifest, embedding, received):
    np.save(tmp_path / "golden_embedding.npy", embedding)
    republish(tmp_path, manifest)

    expected = r"expected 'golden_embedding.npy' to be float32 \[20\], received "
    with pytest.raises(ArtifactError, match=expected + received):
        open_artifact(tmp_path)


@pytest.mark.parametrize(("value", "received"), [(0, "0.000000"), (np.nan, "nan"), (2, "8.9")])
def test_golden_embedding_of_another_length(tmp_path, manifest, value, received):
    np.save(tmp_path / "golden_embedding.npy", np.full(DIMENSION, value, np.float32))
    republish(tmp_path, manifest)

    with pytest.raises(ArtifactError, match=f"to be of length 1, received {received}"):
        open_artifact(tmp_path)


@pytest.mark.parametrize(
    ("unit", "section", "field", "value", "message"),
    [
        ("frame", "input", "axes", ("n", "c", "h", "w"), r"input.axes \('n', 'h', 'w', 'c'\) "),
        ("frame", "input", "dynamic", (), r"input.dynamic \('n',\) .* received \(\)"),
        ("frame", "output", "pooling", "none", "output.pooling 'mean' .* received 'none'"),
        ("frame", "output", "normalised", False, "output.normalised True .* received False"),
        ("frame", "preprocessing", "frames_per_clip", 4, "frames_per_clip None .* received 4"),
        ("clip", "input", "axes", ("n", "h", "w", "c"), r"axes \('b', 't', 'h', 'w', 'c'\) "),
        ("clip", "input", "dynamic", ("b", "t"), r"dynamic \('b',\) .* received \('b', 't'\)"),
        ("clip", "output", "normalised", False, "output.normalised True .* received False"),
        ("clip", "preprocessing", "frames_per_clip", None, "'a number' .* received None"),
    ],
)
def test_artifact_of_a_kind_that_is_not_served(tmp_path, unit, section, field, value, message):
    manifest = write_tiny_artifact(tmp_path, unit=unit)
    part = getattr(manifest, section).model_copy(update={field: value})
    republish(tmp_path, manifest, **{section: part})

    with pytest.raises(ArtifactError, match=message) as refusal:
        open_artifact(tmp_path)
    assert f"beside graph.batching_unit {unit!r} in the manifest" in str(refusal.value)
    assert str(refusal.value).endswith("use a release of the service that serves it")


@pytest.mark.parametrize("pooling", ["mean", "none"])
def test_artifact_of_clips_with_either_pooling_is_served(tmp_path, pooling):
    manifest = write_tiny_artifact(tmp_path, unit="clip")
    output = manifest.output.model_copy(update={"pooling": pooling})
    republish(tmp_path, manifest, output=output)

    assert open_artifact(tmp_path).manifest.output.pooling == pooling
