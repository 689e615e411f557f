"""A manifest is believed when it agrees with its own checksum and is of this format."""

import hashlib
import json
from dataclasses import replace

import pytest

from service.gallery.gallery_errors import SnapshotUnusable
from service.gallery.replica.snapshot_files import ArrayFile
from service.gallery.replica.snapshot_manifest import (
    FORMAT,
    MANIFEST_FILE,
    SnapshotManifest,
    read_manifest,
    write_manifest,
)
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryState

INFO = GalleryInfo("g1", "staff", GallerySpec(GalleryModel("f" * 64, 4), 10, 60.0), 1.5)
STATE = GalleryState(seq=2**40, tracklets=3, digest=2**64 - 1, chain="a" * 40)
ARRAYS = (ArrayFile("embeddings", "<f2", (3, 4), (7,)), ArrayFile("ids", "|u1", (0,), ()))
MANIFEST = SnapshotManifest(INFO, STATE, ARRAYS, ("t1", "ä"))


def signed(directory, change) -> None:
    """Write a manifest that another program made, with a checksum that is right."""
    fields = json.loads((directory / MANIFEST_FILE).read_text().split("\n")[1])
    change(fields)
    text = json.dumps(fields)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    (directory / MANIFEST_FILE).write_text(f"{checksum}\n{text}\n")


def test_a_manifest_comes_back_the_same(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST


def test_limits_that_are_not_set_come_back_unset(tmp_path):
    info = replace(INFO, spec=GallerySpec(INFO.spec.model))
    write_manifest(tmp_path, replace(MANIFEST, info=info))
    assert read_manifest(tmp_path).info == info


def test_a_flip_of_any_bit_and_a_cut_at_any_byte_is_found(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    path = tmp_path / MANIFEST_FILE
    intact = path.read_bytes()
    for position in range(len(intact)):
        damaged = bytearray(intact)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(SnapshotUnusable):
            read_manifest(tmp_path)
        path.write_bytes(intact[:position])
        with pytest.raises(SnapshotUnusable):
            read_manifest(tmp_path)
    path.write_bytes(intact + b"\n")
    with pytest.raises(SnapshotUnusable, match="agrees with its checksum"):
        read_manifest(tmp_path)


def test_another_format_is_refused_and_named(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    signed(tmp_path, lambda fields: fields.update(format=FORMAT + 1))
    with pytest.raises(
        SnapshotUnusable, match=f"a snapshot of format {FORMAT}, received format {FORMAT + 1}"
    ):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.pop("state"),
        lambda fields: fields.update(more=1),
        lambda fields: fields["arrays"][0].update(dtype="|O"),
        lambda fields: fields["arrays"][0].update(name="../../outside"),
        lambda fields: fields["arrays"][0].update(shape=[-1, 4]),
        lambda fields: fields["arrays"][0].update(checksums=["x"]),
        lambda fields: fields["info"].pop("gallery_id"),
        lambda fields: fields["info"]["spec"].update(unknown=1),
        lambda fields: fields.update(arrays=None),
        lambda fields: fields.update(quarantined=[1]),
    ],
)
def test_a_manifest_of_another_release_is_refused(tmp_path, change):
    write_manifest(tmp_path, MANIFEST)
    signed(tmp_path, change)
    with pytest.raises(SnapshotUnusable, match="expected a manifest of this release"):
        read_manifest(tmp_path)


def test_a_missing_a_huge_and_a_binary_one_are_refused(tmp_path, monkeypatch):
    with pytest.raises(SnapshotUnusable, match="a readable manifest, received No such file"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST_FILE).write_bytes(b"\xff\n")
    with pytest.raises(SnapshotUnusable, match="a manifest in ASCII"):
        read_manifest(tmp_path)
    monkeypatch.setattr("service.gallery.replica.snapshot_manifest.MOST_MANIFEST_BYTES", 1)
    with pytest.raises(SnapshotUnusable, match="a manifest of 1 bytes at most"):
        read_manifest(tmp_path)
