"""The model card: what the model is, what it learned from, what it reached, what it is not for."""

from model.manifest import Manifest
from training.export.calibration_section import CALIBRATION_HEADING, calibration_section
from training.export.card_results import MeasuredResults
from training.export.card_tables import (
    ablation_section,
    curve_section,
    evaluations_section,
    paragraph,
    precision_section,
)
from training.export.description import ArtifactCard

NEVER = (
    "identifying people without a legal basis and their knowledge",
    "a decision about a person that rests on a match alone",
    "work, housing, credit, policing or border control by its answers without a person who checks",
    "inferring who somebody is, feels or believes: it compares clothing and build",
)


def model_card(manifest: Manifest, card: ArtifactCard, results: MeasuredResults) -> str:
    """Markdown; every number in it is the manifest's, or a file's that a named command printed."""
    sections = [
        f"# {manifest.model.name} {manifest.model.version}",
        paragraph(_described(manifest)),
        paragraph("**Use.** " + manifest.provenance.data_licence),
        "## Training",
        *_training(manifest, card),
        "## Results",
        paragraph(_at_export(manifest)),
        evaluations_section(results.evaluations),
        curve_section(results.curve, results.curve_command),
        ablation_section(results.ablation, results.ablation_command),
        "## Graph",
        paragraph(_graph(manifest)),
        precision_section(results.precisions, results.precision_command),
        CALIBRATION_HEADING,
        calibration_section(manifest.calibration, results.calibration_command),
        "## Not for",
        _bullets([*NEVER, *card.not_for]),
        "## Limits",
        _bullets(_limits(manifest)),
    ]
    return "\n\n".join(sections) + "\n"


def _described(manifest: Manifest) -> str:
    size = f"{manifest.preprocessing.height}×{manifest.preprocessing.width}"
    network = manifest.provenance.network or f"a graph with frames of {size}"
    parts = ", ".join(f"{part.name} {part.dimension}" for part in manifest.output.parts)
    embedding = (
        f"An embedding has {manifest.output.dimension} numbers ({parts}): each part is "
        "L2-normalised, then all are concatenated and normalised again."
    )
    if manifest.graph.batching_unit == "clip":
        frames = manifest.preprocessing.frames_per_clip
        return f"A model of clips of {frames} frames: {network}. {embedding}"
    return (
        f"A frame model for video person re-identification: {network}. Features of frames are "
        f"averaged over the tracklet. {embedding}"
    )


def _training(manifest: Manifest, card: ArtifactCard) -> list[str]:
    told = [paragraph(card.training), paragraph("Data: " + manifest.provenance.data)]
    if card.teacher is not None:
        teacher = card.teacher
        told.append(
            paragraph(
                f"Teacher: {teacher.name}, licence {teacher.licence}; its training data: "
                f"{teacher.training_data}. Learned from it: {teacher.part}."
            )
        )
    return [*told, f"Code of the export: commit `{manifest.provenance.commit}`."]


def _at_export(manifest: Manifest) -> str:
    reached = manifest.provenance
    if reached.rank_1 is None or reached.mean_average_precision is None:
        return "In percent. The manifest holds no result of its own."
    return (
        f"In percent. The manifest's own: rank-1 {reached.rank_1:.2f}, mAP "
        f"{reached.mean_average_precision:.2f} ({reached.protocol})."
    )


def _graph(manifest: Manifest) -> str:
    size = manifest.files[manifest.graph.file].bytes
    told = f"`{manifest.graph.file}`: {manifest.graph.precision}, {size / 1e6:.1f} MB."
    gate = manifest.gate
    if gate is None:
        return f"{told} It was not held against the network it comes from."
    return (
        f"{told} Least cosine to what it was made from, every part of every tracklet by itself: "
        f"{gate.measured.least_cosine:.7f} (bound {gate.least_cosine:g}); mAP on "
        f"{gate.mini_gallery.identities} drawn people {gate.measured.mean_average_precision:.2f} "
        f"against {gate.mean_average_precision:.2f} (bound on the change "
        f"{gate.most_map_change:g}). `reid-train verify` measures both again."
    )


def _limits(manifest: Manifest) -> list[str]:
    return [
        "Two people dressed alike are easily confused, and a person who changed clothes is not "
        "found.",
        "It knows the cameras, the season and the place of its training data. Expect less "
        "elsewhere; measure on your own data.",
        *(
            ["Similarities are not probabilities, and no threshold has been calibrated."]
            if manifest.calibration is None
            else ["Probabilities and thresholds hold for people and cameras like those calibrated "
                  "on, and for galleries of about that size."]
        ),
        "Embeddings of people are biometric data: keep them no longer than needed, and forget on "
        "request.",
    ]  # fmt: skip


def _bullets(lines: list[str]) -> str:
    return "\n".join(paragraph(f"- {line}").replace("\n", "\n  ") for line in lines)
