"""A graph file and what it must compute → an artifact directory, or nothing at all."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from model.manifest import (
    FileDigest,
    Golden,
    InputTensor,
    Manifest,
    ModelIdentity,
    OutputTensor,
    Preprocessing,
    Provenance,
    file_digest,
    model_fingerprint,
)
from model.stored_gate import Gate
from model.stored_graph import Graph
from training.data.synthetic import SyntheticWorld
from training.export.artifact_directory import staged
from training.export.card_file import write_card
from training.export.gate import BOUNDS, Precision, Reference, largest_batch, pass_gate
from training.export.graph_runner import RunItems, open_runner, run_in_batches
from training.export.mini_gallery import answers, draw_gallery
from training.export.traces import remove_traces
from training.export.tracklet_embedding import tracklet_embeddings

GRAPH_FILE = "model.onnx"
IR_FILE = "model.xml"
IR_WEIGHTS_FILE = "model.bin"
GOLDEN_CLIP_FILE = "golden_clip.npy"
GOLDEN_EMBEDDING_FILE = "golden_embedding.npy"
GATE_FILE = "gate_embeddings.npy"
GOLDEN_FRAMES = 4

# Kernels differ between processors in the last digits; a wrong weight moves the cosine far more.
GOLDEN_LEAST_COSINE = 0.999

AXES: dict[Literal["frame", "clip"], tuple[str, ...]] = {
    "frame": ("n", "h", "w", "c"),
    "clip": ("b", "t", "h", "w", "c"),
}


@dataclass(frozen=True, slots=True)
class PreparedGraph:
    """A graph that is finished but not yet proven.

    Attributes:
        file: The ONNX graph, with its weights inside, or the graph of an OpenVINO IR.
        precision: What it computes in.
        input_name: Of its one input, uint8 RGB [n, h, w, 3] or [b, t, h, w, 3].
        preprocessing: How frames become rows of that input.
        output: Its one output, and the way to the embedding.
        reference: What it must compute, by the same input: the network in single precision, or the
            runtime that an imported graph comes from.
        weights: Of an IR; None for ONNX.
    """

    file: Path
    precision: Precision
    input_name: str
    preprocessing: Preprocessing
    output: OutputTensor
    reference: RunItems
    weights: Path | None = None

    @property
    def stored(self) -> Graph:
        """How the manifest tells of it."""
        return Graph(
            file=GRAPH_FILE if self.weights is None else IR_FILE,
            format="onnx" if self.weights is None else "openvino",
            weights_file=None if self.weights is None else IR_WEIGHTS_FILE,
            precision=self.precision,
            batching_unit=self.batching_unit,
        )

    @property
    def batching_unit(self) -> Literal["frame", "clip"]:
        """What a row of the input is."""
        return "frame" if self.preprocessing.frames_per_clip is None else "clip"


@dataclass(frozen=True, slots=True)
class Publication:
    """What the files cannot say of themselves.

    Attributes:
        name: The model's name.
        version: The model's version.
        provenance: Where the weights come from.
        card: The model card in Markdown, of a manifest that is whole but for the card's digest.
    """

    name: str
    version: str
    provenance: Provenance
    card: Callable[[Manifest], str]


def publish(graph: PreparedGraph, directory: Path, publication: Publication) -> Manifest:
    """Prove, describe, publish; what fails before the last step changes nothing.

    Args:
        graph: What to publish.
        directory: Where the artifact goes; an earlier artifact there is replaced.
        publication: Name, provenance, card.

    Raises:
        GateError: When the graph breaks a law, by its name.
        onnx.checker.ValidationError: When the file is not valid ONNX.
        ValueError: When `directory` holds something that is no artifact.
    """
    with staged(directory) as staging:
        _write_graph(graph, staging)
        gate = _prove(graph, staging)
        _write_golden(graph, staging)
        manifest = _manifest(graph, gate, publication, _digests(staging))
        return write_card(staging, manifest, publication.card(manifest))


def _write_graph(graph: PreparedGraph, staging: Path) -> None:
    """The graph as it is run, and nothing of the machine that made it."""
    target = staging / graph.stored.file
    if graph.weights is not None:
        shutil.copyfile(graph.file, target)
        shutil.copyfile(graph.weights, staging / IR_WEIGHTS_FILE)
        return
    model = onnx.load(graph.file)
    remove_traces(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def golden_clip(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """One drawn walk, uint8 [t, h, w, 3]: as many frames as a clip has."""
    world = SyntheticWorld(
        seed=0,
        identities=1,
        cameras=2,
        height=preprocessing.height,
        width=preprocessing.width,
    )
    return world.tracklet(0, 0, frames=preprocessing.frames_per_clip or GOLDEN_FRAMES).frames


def _prove(graph: PreparedGraph, staging: Path) -> Gate:
    """Through the gate; the reference's embeddings are left beside the graph."""
    largest, bounds = largest_batch(graph.preprocessing.frames_per_clip), BOUNDS[graph.precision]
    gallery = draw_gallery(graph.preprocessing, graph.output)
    expected = answers(graph.reference, gallery, graph.output, largest=largest)
    stored = expected.embeddings.astype(np.float16)
    reference = Reference(expected.rows[:largest], stored, expected.mean_average_precision)
    measured = pass_gate(
        open_runner(staging, graph.stored),
        reference,
        gallery=gallery,
        output=graph.output,
        bounds=bounds,
    )
    np.save(staging / GATE_FILE, stored, allow_pickle=False)
    return Gate(
        embeddings=GATE_FILE,
        mini_gallery=gallery.described,
        largest_batch=largest,
        least_cosine=bounds.least_cosine,
        most_map_change=bounds.most_map_change,
        mean_average_precision=expected.mean_average_precision,
        measured=measured,
    )


def _write_golden(graph: PreparedGraph, staging: Path) -> None:
    clip = golden_clip(graph.preprocessing)
    items = clip if graph.batching_unit == "frame" else clip[None]
    rows = run_in_batches(graph.reference, items, largest=len(items))
    np.save(staging / GOLDEN_CLIP_FILE, clip, allow_pickle=False)
    embedding = tracklet_embeddings(rows[None], graph.output.parts)[0]
    np.save(staging / GOLDEN_EMBEDDING_FILE, embedding, allow_pickle=False)


def _digests(directory: Path) -> dict[str, FileDigest]:
    return {path.name: file_digest(path) for path in sorted(directory.iterdir())}


def _manifest(
    graph: PreparedGraph, gate: Gate, publication: Publication, files: dict[str, FileDigest]
) -> Manifest:
    axes = AXES[graph.batching_unit]
    sha256, *weights_sha256 = (files[name].sha256 for name in graph.stored.files)
    return Manifest(
        schema_version=2,
        model=ModelIdentity(
            name=publication.name,
            version=publication.version,
            fingerprint=model_fingerprint(
                sha256, graph.preprocessing, graph.output, *weights_sha256
            ),
        ),
        graph=graph.stored,
        input=InputTensor(name=graph.input_name, dtype="uint8", axes=axes, dynamic=axes[:1]),
        preprocessing=graph.preprocessing,
        output=graph.output,
        files=files,
        golden=Golden(
            clip=GOLDEN_CLIP_FILE,
            embedding=GOLDEN_EMBEDDING_FILE,
            least_cosine=min(GOLDEN_LEAST_COSINE, gate.least_cosine),
        ),
        gate=gate,
        calibration=None,
        provenance=publication.provenance,
    )
