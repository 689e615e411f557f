"""An artifact on this machine: is it whole, and does its graph still pass its gate?

Nothing is needed but the artifact: people are drawn again, the graph is run, and what it says is
held against the embeddings that were stored when it was exported.
"""

from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.manifest import ArtifactError, Manifest, load_manifest, verify_files
from model.stored_gate import Gate
from training.export.gate import Bounds, GateError, Reference, pass_gate
from training.export.graph_runner import RunItems, open_runner
from training.export.mini_gallery import redraw_gallery
from training.export.stored_arrays import stored_array
from training.export.tracklet_embedding import least_part_cosines, tracklet_embeddings
from training.frozen_model import FrozenModel

# What decides the pixels of drawn people.
DRAWING_PACKAGES = ("numpy", "pillow")


class Verification(FrozenModel):
    """What was found in an artifact that passed.

    Attributes:
        name: The model's name.
        version: The model's version.
        fingerprint: The model's fingerprint.
        precision: What the graph computes in.
        files: How many files have the sizes and digests that the manifest names.
        golden_cosine: Of the golden clip's embedding, the least of its parts.
        least_cosine: The least of all tracklets and batches, part by part.
        least_cosine_allowed: Its bound.
        mean_average_precision: On the mini-gallery, in percent.
        reference_mean_average_precision: The same of the reference, at the export.
        most_map_change: Its bound, in points.
        drawn_as_exported: Whether the mini-gallery's pixels are those of the export to the bit.
    """

    name: str
    version: str
    fingerprint: str
    precision: str
    files: int
    golden_cosine: float
    least_cosine: float
    least_cosine_allowed: float
    mean_average_precision: float
    reference_mean_average_precision: float
    most_map_change: float
    drawn_as_exported: bool


def verify_artifact(directory: Path) -> Verification:
    """Digests, golden clip, and every law of the gate.

    Raises:
        ArtifactError: When the manifest or a file is missing, broken or not the one that was
            exported, by its name; or when the artifact was exported without a gate.
        GateError: For the first law that the graph breaks.
    """
    manifest = load_manifest(directory)
    verify_files(directory, manifest)
    gate = _require_gate(directory, manifest)
    run = open_runner(directory, manifest.graph)
    golden = _check_golden(run, directory, manifest)
    embeddings = _gate_embeddings(directory, gate, manifest.output.dimension)
    gallery = redraw_gallery(gate.mini_gallery, manifest.preprocessing)
    same = gallery.described == gate.mini_gallery
    try:
        measured = pass_gate(
            run,
            Reference(
                # Batches are held against the graph's own largest: no network is at hand here.
                rows=run(gallery.items[: gate.largest_batch]),
                embeddings=embeddings,
                mean_average_precision=gate.mean_average_precision,
            ),
            gallery=gallery,
            output=manifest.output,
            bounds=Bounds(gate.least_cosine, gate.most_map_change),
        )
    except GateError as error:
        if same:
            raise
        raise GateError(f"{error}; {_other_pixels(manifest.provenance.exporter)}") from error
    return Verification(
        name=manifest.model.name,
        version=manifest.model.version,
        fingerprint=manifest.model.fingerprint,
        precision=manifest.graph.precision,
        files=len(manifest.files),
        golden_cosine=golden,
        least_cosine=measured.least_cosine,
        least_cosine_allowed=gate.least_cosine,
        mean_average_precision=measured.mean_average_precision,
        reference_mean_average_precision=gate.mean_average_precision,
        most_map_change=gate.most_map_change,
        drawn_as_exported=same,
    )


def _require_gate(directory: Path, manifest: Manifest) -> Gate:
    if manifest.gate is None:
        raise ArtifactError(
            f"expected {directory} to hold the embeddings that its graph was held against, "
            "received a manifest without a gate; export the artifact again"
        )
    return manifest.gate


def _check_golden(run: RunItems, directory: Path, manifest: Manifest) -> float:
    frames = manifest.preprocessing
    clip = stored_array(
        directory / manifest.golden.clip,
        dtype=np.uint8,
        shape=(frames.frames_per_clip, frames.height, frames.width, 3),
    ).astype(np.uint8)
    stored = stored_array(
        directory / manifest.golden.embedding,
        dtype=np.float32,
        shape=(manifest.output.dimension,),
    ).astype(np.float32)
    items = clip if frames.frames_per_clip is None else clip[None]
    rows = run(items)
    embedding = tracklet_embeddings(rows[None], manifest.output.parts)
    cosine = float(least_part_cosines(stored[None], embedding, manifest.output.parts)[0])
    if not cosine >= manifest.golden.least_cosine:
        raise GateError(
            f"expected the golden clip to give {manifest.golden.embedding!r} with a cosine of at "
            f"least {manifest.golden.least_cosine} in every part, received {cosine:.6f}; "
            "export the artifact again with the runtime version that is installed"
        )
    return min(cosine, 1.0)


def _gate_embeddings(directory: Path, gate: Gate, dimension: int) -> NDArray[np.float32]:
    tracklets = gate.mini_gallery.identities * gate.mini_gallery.cameras
    stored = stored_array(
        directory / gate.embeddings, dtype=np.float16, shape=(tracklets, dimension)
    )
    return stored.astype(np.float32)


def _other_pixels(exporter: Mapping[str, str]) -> str:
    there = ", ".join(f"{name} {exporter.get(name, 'unknown')}" for name in DRAWING_PACKAGES)
    here = ", ".join(f"{name} {installed_version(name)}" for name in DRAWING_PACKAGES)
    return (
        "the people drawn here are not those of the export, so it may not be the graph: "
        f"it was exported with {there}, and this is {here}; verify with the same versions"
    )
