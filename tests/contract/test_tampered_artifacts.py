"""Whatever of an artifact is not as it was written is refused by its name, here and there.

Here: `reid-train verify`, which whoever passes an artifact on can run. There: the service, at its
start, before it embeds anything.
"""

import asyncio
import json
import os
import shutil

import numpy as np
import onnx
import pytest

from model.manifest import (
    MANIFEST_FILE,
    ArtifactError,
    file_digest,
    load_manifest,
    model_fingerprint,
    save_manifest,
)
from service.loaded_model import ModelWatch, open_model
from service.settings import Settings
from tests.artifact_factory import tiny_graph, write_tiny_artifact
from tests.ir_artifact import write_tiny_ir_artifact
from tests.made_up_calibration import made_up_calibration
from training.export.gate import GateError
from training.export.graph_runner import open_runner
from training.export.publishing import PreparedGraph, Publication, publish
from training.export.verification import verify_artifact

GRAPH, CLIP, EMBEDDING = "model.onnx", "golden_clip.npy", "golden_embedding.npy"
BESIDE = (CLIP, EMBEDDING, "gate_embeddings.npy", "MODEL_CARD.md")
OTHER = {"frame": "clip", "clip": "frame"}
FILES = {
    "frame": (GRAPH, *BESIDE),
    "clip": (GRAPH, *BESIDE),
    "ir": ("model.xml", "model.bin", *BESIDE),
}
EVERY_FILE = [(kind, name) for kind, names in FILES.items() for name in names]


def write_gated(directory, scratch, kind):
    """A tiny graph, published through the gate and calibrated."""
    if kind == "ir":
        tiny = write_tiny_ir_artifact(scratch, seed=1)
    else:
        tiny = write_tiny_artifact(scratch, unit=kind)
    weights = tiny.graph.weights_file
    prepared = PreparedGraph(
        file=scratch / tiny.graph.file,
        precision="fp32",
        input_name="frames",
        preprocessing=tiny.preprocessing,
        output=tiny.output,
        reference=open_runner(scratch, tiny.graph),
        weights=None if weights is None else scratch / weights,
    )
    publication = Publication("tiny", "1", tiny.provenance, lambda manifest: f"# {kind}\n")
    manifest = publish(prepared, directory, publication)
    calibrated = manifest.model_copy(update={"calibration": made_up_calibration()})
    save_manifest(directory, calibrated)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """By kind; nobody writes there."""
    folder = tmp_path_factory.mktemp("originals")
    for kind in FILES:
        write_gated(folder / kind, tmp_path_factory.mktemp("scratch"), kind)
    return folder


@pytest.fixture(params=["frame", "clip"])
def kind(request):
    return request.param


@pytest.fixture
def artifact(originals, kind, tmp_path):
    return shutil.copytree(originals / kind, tmp_path / "artifact")


def serve(directory):
    """Open it as the service does at its start, and close it again."""
    settings = Settings(
        data_dir=directory.parent / "data",
        inference_provider="cpu" if (directory / GRAPH).exists() else "openvino",
        inference_lanes=1,
        inference_threads=1,
        max_batch_frames=8,
    )

    async def life():
        await (await open_model(directory, settings, ModelWatch(lambda _: None))).close()

    asyncio.run(life())


def refusals(directory):
    """What verify and the service say of it, in this order; both must refuse."""
    for refuse in (verify_artifact, serve):
        with pytest.raises(ValueError) as refused:  # noqa: PT011 - what it says is told on
            refuse(directory)
        assert isinstance(refused.value, ArtifactError | GateError)
        yield str(refused.value)


def named_by_both(directory, *words):
    for told in refusals(directory):
        assert told.startswith("expected "), told
        for word in words:
            assert word in told, told
        assert "; " in told, told  # a remedy


def edit(directory, *keys, value):
    """Set one field of the manifest by hand."""
    path = directory / MANIFEST_FILE
    fields = json.loads(path.read_text())
    section = fields
    for key in keys[:-1]:
        section = section[key]
    assert section[keys[-1]] != value
    section[keys[-1]] = value
    path.write_text(json.dumps(fields))


def reseal(directory):
    """Make digests, fingerprint and seal true again, as whoever means harm would."""
    manifest = load_manifest(directory)
    files = {name: file_digest(directory / name) for name in manifest.files}
    fingerprint = model_fingerprint(
        files[manifest.graph.file].sha256, manifest.preprocessing, manifest.output
    )
    identity = manifest.model.model_copy(update={"fingerprint": fingerprint})
    save_manifest(directory, manifest.model_copy(update={"files": files, "model": identity}))


@pytest.mark.parametrize("kind", FILES)
def test_as_it_was_written_it_passes_both(artifact):
    verify_artifact(artifact)
    serve(artifact)


@pytest.mark.parametrize(("kind", "name"), EVERY_FILE)
def test_one_changed_byte(artifact, name):
    content = bytearray((artifact / name).read_bytes())
    content[len(content) // 2] ^= 1
    (artifact / name).write_bytes(content)
    named_by_both(artifact, f"'{name}' with sha256")


@pytest.mark.parametrize(("kind", "name"), EVERY_FILE)
def test_a_cut_file(artifact, name):
    os.truncate(artifact / name, (artifact / name).stat().st_size - 1)
    named_by_both(artifact, f"'{name}' with sha256", "received unread")


@pytest.mark.parametrize(("kind", "name"), EVERY_FILE)
def test_an_absent_file(artifact, name):
    (artifact / name).unlink()
    named_by_both(artifact, f"'{name}' beside the manifest", "received nothing")


@pytest.mark.parametrize("name", [GRAPH, EMBEDDING, "gate_embeddings.npy", "MODEL_CARD.md"])
def test_a_file_of_another_artifact(originals, artifact, kind, name):
    shutil.copyfile(originals / OTHER[kind] / name, artifact / name)
    named_by_both(artifact, f"'{name}' with sha256")


@pytest.mark.parametrize(("kind", "name"), EVERY_FILE)
def test_a_file_that_lies_elsewhere(artifact, name):
    (artifact / name).rename(artifact.parent / "elsewhere")
    (artifact / name).symlink_to(artifact.parent / "elsewhere")
    named_by_both(artifact, f"'{name}' itself in", "received a link to", "elsewhere")


def test_a_file_too_large_to_read(artifact):
    os.truncate(artifact / GRAPH, 1 << 40)
    named_by_both(artifact, f"'{GRAPH}' with sha256", "received unread (1099511627776 bytes)")


def test_the_manifest_of_another_artifact(originals, artifact, kind):
    shutil.copyfile(originals / OTHER[kind] / MANIFEST_FILE, artifact / MANIFEST_FILE)
    named_by_both(artifact, "with sha256")


def test_no_manifest(artifact):
    (artifact / MANIFEST_FILE).unlink()
    named_by_both(artifact, MANIFEST_FILE, "received No such file or directory")


def test_a_cut_manifest(artifact):
    os.truncate(artifact / MANIFEST_FILE, (artifact / MANIFEST_FILE).stat().st_size - 3)
    named_by_both(artifact, "expected a JSON object in", MANIFEST_FILE)


EDITS = {
    "output.dimension": (("output", "dimension"), 21, "dimension 21"),
    "input size": (("preprocessing", "height"), 128, "fingerprint"),
    "colour": (("preprocessing", "colour"), "BGR", "preprocessing.colour"),
    "fingerprint": (("model", "fingerprint"), "0" * 64, "fingerprint"),
    "frames chosen": (("preprocessing", "choice", "most"), 9, "fingerprint"),
    "batching unit": (("graph", "batching_unit"), "sentence", "graph.batching_unit"),
    "precision": (("graph", "precision"), "int8", "manifest_sha256"),
    "golden bound": (("golden", "least_cosine"), 0.1, "manifest_sha256"),
    "golden bound of none": (("golden", "least_cosine"), -1, "golden.least_cosine"),
    "threshold": (
        ("calibration", "thresholds", 0, "similarity"),
        0.125,
        "manifest_sha256",
    ),
    "threshold of none": (
        ("calibration", "thresholds", 0, "similarity"),
        1.5,
        "calibration.thresholds.0.similarity",
    ),
    "gate bound": (("gate", "least_cosine"), 0.5, "manifest_sha256"),
    "endless gallery": (("gate", "mini_gallery", "identities"), 10**9, "mini_gallery.identities"),
    "endless tracklets": (("gate", "mini_gallery", "frames"), 10**30, "mini_gallery.frames"),
    "endless batch": (("gate", "largest_batch"), 10**9, "gate.largest_batch"),
    "licence": (("provenance", "data_licence"), "anything goes", "manifest_sha256"),
    "result": (("provenance", "rank_1"), 99.0, "manifest_sha256"),
    "version": (("model", "version"), "2", "manifest_sha256"),
    "digest": (("files", GRAPH, "sha256"), "0" * 64, "fingerprint"),
    "size": (("files", "MODEL_CARD.md", "bytes"), 1, "manifest_sha256"),
    "path out of it": (("graph", "file"), "../model.onnx", "'../model.onnx'"),
    "absolute path": (("golden", "clip"), "/etc/passwd", "'/etc/passwd'"),
}


@pytest.mark.parametrize("field", EDITS)
def test_an_edited_field_of_the_manifest(artifact, field):
    keys, value, told = EDITS[field]
    edit(artifact, *keys, value=value)
    named_by_both(artifact, told)


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "a/b", "..", MANIFEST_FILE])
def test_a_path_among_the_digests(artifact, name):
    edit(artifact, "files", value={name: {"sha256": "0" * 64, "bytes": 1}})
    named_by_both(artifact, "plain file names", repr(name))


BROKEN_GOLDENS = {
    "not a number": lambda embedding: np.full_like(embedding, np.nan),
    "endless": lambda embedding: np.full_like(embedding, np.inf),
    "zero": np.zeros_like,
    "too short": lambda embedding: embedding[:-1],
    "of doubles": lambda embedding: embedding.astype(np.float64),
}


@pytest.mark.parametrize("broken", BROKEN_GOLDENS)
def test_a_golden_embedding_that_is_none_though_all_digests_are_true(artifact, broken):
    path = artifact / EMBEDDING
    np.save(path, BROKEN_GOLDENS[broken](np.load(path)))
    reseal(artifact)
    named_by_both(artifact, path.name)


def test_an_array_that_claims_to_be_larger_than_memory(artifact):
    path = artifact / CLIP
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (1 << 45, 64, 32, 3)}
        )
    reseal(artifact)
    named_by_both(artifact, path.name)


def test_the_graph_of_another_model_though_all_digests_are_true(artifact, kind):
    onnx.save_model(tiny_graph(height=64, width=32, seed=1, unit=kind), artifact / GRAPH)
    reseal(artifact)
    named_by_both(artifact, "golden clip")
