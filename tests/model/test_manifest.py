import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model.manifest import (
    MANIFEST_FILE,
    ArtifactError,
    FrameChoice,
    Manifest,
    file_digest,
    load_manifest,
    save_manifest,
    verify_files,
)
from tests.artifact_factory import write_tiny_artifact


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path / "artifact")
    return tmp_path / "artifact"


def rewrite(directory, change):
    """Edit the manifest by hand; its seal stays as it was."""
    path = directory / MANIFEST_FILE
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_saving_and_loading_is_a_round_trip(artifact):
    manifest = load_manifest(artifact)
    save_manifest(artifact, manifest)
    assert load_manifest(artifact) == manifest


def test_a_changed_byte_of_the_graph_is_noticed(artifact):
    manifest = load_manifest(artifact)
    graph = artifact / manifest.graph.file
    content = bytearray(graph.read_bytes())
    content[-1] ^= 1
    graph.write_bytes(content)
    with pytest.raises(ArtifactError, match="sha256 .* received .*; copy or export"):
        verify_files(artifact, manifest)


def test_a_missing_file_is_named(artifact):
    manifest = load_manifest(artifact)
    (artifact / manifest.golden.clip).unlink()
    with pytest.raises(ArtifactError, match=f"expected '{manifest.golden.clip}' beside"):
        verify_files(artifact, manifest)


def test_a_manifest_is_not_written_over_files_that_differ(artifact):
    manifest = load_manifest(artifact)
    (artifact / MANIFEST_FILE).unlink()
    (artifact / manifest.graph.file).write_bytes(b"another graph")
    with pytest.raises(ArtifactError):
        save_manifest(artifact, manifest)
    assert not (artifact / MANIFEST_FILE).exists()


def test_no_manifest_says_what_to_point_at(tmp_path):
    with pytest.raises(ArtifactError, match="expected an artifact manifest at .*reid-train export"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"not json", b"3", b"\xff\xfe", b"[" * 9999])
def test_a_manifest_that_is_no_json_object_is_refused(tmp_path, content):
    (tmp_path / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(ArtifactError, match="expected a JSON object"):
        load_manifest(tmp_path)


def test_another_schema_version_is_named(artifact):
    rewrite(artifact, lambda content: content.update(schema_version=1))
    with pytest.raises(ArtifactError, match="expected artifact schema 2 .* received 1"):
        load_manifest(artifact)


EDITS = {
    "name": lambda content: content["model"].update(name="other"),
    "least cosine": lambda content: content["golden"].update(least_cosine=0.5),
    "result": lambda content: content["provenance"].update(rank_1=99.9),
    "a file more": lambda content: content["files"].update(
        {"more": {"sha256": "0" * 64, "bytes": 1}}
    ),
    "seal": lambda content: content.update(manifest_sha256="0" * 64),
    "no seal": lambda content: content.pop("manifest_sha256"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_that_keeps_the_schema_is_noticed(artifact, edit):
    rewrite(artifact, EDITS[edit])
    told = r"expected manifest_sha256 \w{64} over all other fields of .*manifest.json, received "
    with pytest.raises(ArtifactError, match=told + ".*: it was edited after it was written; copy"):
        load_manifest(artifact)


def test_how_the_json_is_laid_out_does_not_matter(artifact):
    before = load_manifest(artifact)
    path = artifact / MANIFEST_FILE
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(fields.items()))))
    assert load_manifest(artifact) == before


def test_a_link_out_of_the_directory_is_refused(artifact, tmp_path):
    manifest = load_manifest(artifact)
    graph = artifact / manifest.graph.file
    graph.rename(tmp_path / "elsewhere")
    graph.symlink_to(tmp_path / "elsewhere")
    told = f"expected '{graph.name}' itself in .*, received a link to .*elsewhere; copy .*cp -rL"
    with pytest.raises(ArtifactError, match=told):
        verify_files(artifact, manifest)


def test_links_within_the_directory_are_followed(artifact):
    """So a cluster mounts files that it may exchange all at once."""
    manifest = load_manifest(artifact)
    graph = artifact / manifest.graph.file
    (artifact / "now").mkdir()
    graph.rename(artifact / "now" / graph.name)
    graph.symlink_to(artifact / "now" / graph.name)
    verify_files(artifact, manifest)


def test_a_file_of_another_size_is_refused_unread(artifact):
    manifest = load_manifest(artifact)
    with (artifact / manifest.graph.file).open("r+b") as graph:
        graph.truncate(1 << 40)  # takes no place on the disk, and minutes to read
    with pytest.raises(ArtifactError, match=r"received unread \(1099511627776 bytes\); copy or"):
        verify_files(artifact, manifest)


def test_a_huge_manifest_is_not_read(tmp_path):
    with (tmp_path / MANIFEST_FILE).open("wb") as file:
        file.truncate(1 << 40)
    told = "expected at most 1048576 bytes in .*manifest.json, received more; export"
    with pytest.raises(ArtifactError, match=told):
        load_manifest(tmp_path)


@pytest.mark.parametrize("key", ["name", "version"])
@pytest.mark.parametrize("label", ["", "a/b", "a\nb", " a", "a" * 101])
def test_a_label_can_stand_in_an_address(artifact, key, label):
    rewrite(artifact, lambda content: content["model"].update({key: label}))
    with pytest.raises(ArtifactError, match="expected 1 to 100 printable characters .*received"):
        load_manifest(artifact)


def test_an_unknown_key_is_refused(artifact):
    rewrite(artifact, lambda content: content.update(surprise=1))
    with pytest.raises(ArtifactError, match="surprise"):
        load_manifest(artifact)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", MANIFEST_FILE])
def test_file_names_cannot_leave_the_directory(artifact, name):
    def add(content):
        content["files"][name] = {"sha256": "0" * 64, "bytes": 1}

    rewrite(artifact, add)
    with pytest.raises(ArtifactError, match="expected plain file names"):
        load_manifest(artifact)


def test_parts_must_fill_the_dimension(artifact):
    def shrink(content):
        content["output"]["parts"][0]["dimension"] += 1

    rewrite(artifact, shrink)
    with pytest.raises(ArtifactError, match="expected parts that sum to dimension"):
        load_manifest(artifact)


@pytest.mark.parametrize("changed", ["graph", "preprocessing", "output"])
def test_the_fingerprint_covers_all_that_decides_an_embedding(artifact, changed):
    """A server that would resize or pool differently is another model, whatever the graph."""

    def change(content):
        if changed == "graph":
            content["files"][content["graph"]["file"]]["sha256"] = "0" * 64
        elif changed == "preprocessing":
            content["preprocessing"]["choice"]["most"] += 1
        else:
            content["output"]["parts"][0]["name"] = "other"

    rewrite(artifact, change)
    with pytest.raises(ArtifactError, match="expected fingerprint"):
        load_manifest(artifact)


@pytest.mark.parametrize(
    ("section", "key"), [("graph", "file"), ("golden", "clip"), ("golden", "embedding")]
)
def test_every_named_file_has_a_digest(artifact, section, key):
    def drop(content):
        del content["files"][content[section][key]]

    rewrite(artifact, drop)
    with pytest.raises(ArtifactError, match="expected a digest of"):
        load_manifest(artifact)


def test_a_manifest_cannot_be_changed_in_place(artifact):
    with pytest.raises(ValidationError):
        load_manifest(artifact).model.name = "other"


def test_the_digest_is_that_of_sha256sum(tmp_path):
    path = tmp_path / "empty"
    path.write_bytes(b"")
    digest = file_digest(path)
    assert digest.bytes == 0
    assert digest.sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(most=st.integers(1, 64), received=st.integers(0, 5000))
def test_chosen_frames_are_distinct_ascending_and_centred(most, received):
    indices = FrameChoice(policy="evenly_spaced", most=most).indices(received)
    assert len(indices) == min(most, received)
    assert list(indices) == sorted(set(indices))
    assert all(0 <= i < received for i in indices)
    if received > most:
        span = received / most
        assert all(i * span <= index + 0.5 <= (i + 1) * span for i, index in enumerate(indices))


def test_a_negative_frame_count_is_refused():
    with pytest.raises(ValueError, match="expected a frame count of 0 or more, received -1"):
        FrameChoice(policy="evenly_spaced", most=1).indices(-1)


def test_the_schema_names_every_key_of_the_contract():
    assert set(Manifest.model_fields) == {
        "schema_version", "model", "graph", "input", "preprocessing", "output", "files", "golden",
        "gate", "calibration", "provenance",
    }  # fmt: skip
