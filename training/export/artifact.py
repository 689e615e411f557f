"""A trained network → an artifact directory, or nothing at all."""

import shutil
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.manifest import (
    MANIFEST_FILE,
    EmbeddingPart,
    FileDigest,
    Golden,
    Graph,
    InputTensor,
    Manifest,
    ModelIdentity,
    OutputTensor,
    Preprocessing,
    Provenance,
    file_digest,
    model_fingerprint,
    save_manifest,
)
from model.tracklet_network import TrackletNetwork
from training.evaluation.clip_plan import FRAME_CHOICE
from training.evaluation.embed import embed_frames
from training.evaluation.feature_groups import FULL
from training.export.description import ArtifactDescription
from training.export.model_card import model_card
from training.export.parity import check_parity, onnx_runner, torch_runner
from training.export.to_onnx import INPUT_NAME, OUTPUT_NAME, export_onnx

GRAPH_FILE = "model.onnx"
GOLDEN_CLIP_FILE = "golden_clip.npy"
GOLDEN_EMBEDDING_FILE = "golden_embedding.npy"
CARD_FILE = "MODEL_CARD.md"

# Kernels differ between processors in the last digits; a wrong weight moves the cosine far more.
GOLDEN_LEAST_COSINE = 0.999

Frames = NDArray[np.uint8]


def write_artifact(
    network: TrackletNetwork,
    directory: Path,
    description: ArtifactDescription,
    *,
    frames: Frames,
    golden_clip: Frames,
) -> Manifest:
    """Export, prove, describe, publish; what fails before the last step changes nothing.

    Args:
        network: The trained network.
        directory: Where the artifact goes; an earlier artifact there is replaced.
        description: Name, provenance, results.
        frames: At least 64 different frames for the parity check, uint8 [n, h, w, 3].
        golden_clip: Frames the server embeds at its start, uint8 [t, h, w, 3], of no real person.

    Raises:
        ParityError: When the graph does not compute what the network does.
        ValueError: When `directory` holds something that is no artifact.
    """
    _require_artifact_or_nothing(directory)
    _require_frame_model(network)
    staging = directory.with_name(f".{directory.name}.staging")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        export_onnx(network, staging / GRAPH_FILE)
        runner = onnx_runner(staging / GRAPH_FILE)
        widths = list(network.embedding_dimensions.values())
        least_cosine = check_parity(torch_runner(network), runner, frames, widths=widths)
        _write_golden(network, staging, golden_clip)
        card = model_card(description, network.config, least_cosine=least_cosine)
        (staging / CARD_FILE).write_text(card, encoding="utf-8")
        manifest = _manifest(network, description, _digests(staging))
        save_manifest(staging, manifest)
        _publish(staging, directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def _write_golden(network: TrackletNetwork, directory: Path, clip: Frames) -> None:
    golden = embed_frames(network, clip)
    np.save(directory / GOLDEN_CLIP_FILE, clip, allow_pickle=False)
    np.save(directory / GOLDEN_EMBEDDING_FILE, golden, allow_pickle=False)


def _digests(directory: Path) -> dict[str, FileDigest]:
    return {path.name: file_digest(path) for path in sorted(directory.iterdir())}


def _manifest(
    network: TrackletNetwork, description: ArtifactDescription, files: dict[str, FileDigest]
) -> Manifest:
    preprocessing = _preprocessing(network)
    output = _output(network)
    best = description.report.summary[FULL].mean
    return Manifest(
        schema_version=2,
        model=ModelIdentity(
            name=description.card.name,
            version=description.card.version,
            fingerprint=model_fingerprint(files[GRAPH_FILE].sha256, preprocessing, output),
        ),
        graph=Graph(file=GRAPH_FILE, precision="fp32", batching_unit="frame"),
        input=InputTensor(
            name=INPUT_NAME, dtype="uint8", axes=("n", "h", "w", "c"), dynamic=("n",)
        ),
        preprocessing=preprocessing,
        output=output,
        files=files,
        golden=Golden(
            clip=GOLDEN_CLIP_FILE,
            embedding=GOLDEN_EMBEDDING_FILE,
            least_cosine=GOLDEN_LEAST_COSINE,
        ),
        calibration=None,
        provenance=Provenance(
            commit=description.commit,
            data=description.card.data,
            protocol=description.report.protocol.sentence(),
            rank_1=best.rank_1,
            mean_average_precision=best.mean_average_precision,
            exporter=dict(exporter_versions()),
            data_licence=description.card.data_licence,
        ),
    )


def _preprocessing(network: TrackletNetwork) -> Preprocessing:
    return Preprocessing(
        frames_per_clip=None,
        choice=FRAME_CHOICE,
        height=network.config.height,
        width=network.config.width,
        interpolation="bilinear_antialias",
        colour="RGB",
    )


def _output(network: TrackletNetwork) -> OutputTensor:
    parts = tuple(
        EmbeddingPart(name=name, dimension=dimension)
        for name, dimension in network.embedding_dimensions.items()
    )
    return OutputTensor(
        name=OUTPUT_NAME,
        dimension=sum(part.dimension for part in parts),
        normalised=True,
        metric="cosine",
        pooling="mean",
        parts=parts,
    )


def exporter_versions() -> Mapping[str, str]:
    """Versions of the packages that decide what the exporter writes."""
    return {name: installed_version(name) for name in ("torch", "timm", "onnx", "onnxscript")}


def _require_frame_model(network: TrackletNetwork) -> None:
    """Servers batch single frames, and average over a tracklet what comes back."""
    if network.batching_unit != "frame":
        raise ValueError(
            "expected a model whose embedding is a mean over frames, received "
            f"{network.config.summary}, which sees whole clips; "
            "export the student that `reid-train student` takes from a trained DCCT"
        )


def _require_artifact_or_nothing(directory: Path) -> None:
    """What is replaced is removed: never a directory that holds anything else."""
    if not directory.exists():
        return
    if not directory.is_dir() or (
        any(directory.iterdir()) and not (directory / MANIFEST_FILE).is_file()
    ):
        raise ValueError(
            f"expected {directory} to be absent, empty or an artifact, received something else; "
            "name the artifact's own directory"
        )


def _publish(staging: Path, directory: Path) -> None:
    """Swap the finished artifact in; the earlier one comes back when that fails."""
    previous = directory.with_name(f".{directory.name}.previous")
    shutil.rmtree(previous, ignore_errors=True)
    if directory.exists():
        directory.rename(previous)
    try:
        staging.rename(directory)
    except OSError:
        if previous.exists():
            previous.rename(directory)
        raise
    shutil.rmtree(previous, ignore_errors=True)
