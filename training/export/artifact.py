"""A trained network → an artifact directory, or nothing at all."""

from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from model.manifest import Manifest, Preprocessing, Provenance
from model.tracklet_network import TrackletNetwork
from training.evaluation.feature_groups import FULL
from training.export.artifact_directory import require_artifact_or_nothing
from training.export.calibration_items import read_items
from training.export.card_results import Judged, MeasuredResults
from training.export.compact_weights import store_weights_as_float16
from training.export.description import ArtifactDescription, network_in_words
from training.export.export_options import ExportOptions
from training.export.model_card import model_card
from training.export.network_graph import (
    network_graph,
    network_runner,
    output_of,
    preprocessing_of,
)
from training.export.publishing import GRAPH_FILE, PreparedGraph, Publication, publish
from training.export.reduced import reduced
from training.export.to_onnx import export_onnx


def write_artifact(
    network: TrackletNetwork,
    directory: Path,
    description: ArtifactDescription,
    options: ExportOptions | None = None,
) -> Manifest:
    """Export, prove, describe, publish; what fails before the last step changes nothing.

    Args:
        network: The trained network; it is put in evaluation mode.
        directory: Where the artifact goes; an earlier artifact there is replaced.
        description: Name, provenance, results.
        options: How the graph is made; as the defaults say if not given.

    Raises:
        GateError: When the graph does not compute what the network does.
        ValueError: When `directory` holds something that is no artifact, a weight does not fit into
            the storage, or calibration frames cannot be read.
    """
    require_artifact_or_nothing(directory)  # exporting takes a while
    chosen = options or ExportOptions()
    graph = network_graph(network, chosen.input_size)
    preprocessing = preprocessing_of(network, chosen.input_size)
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / GRAPH_FILE
        model = _as_chosen(export_onnx(graph, preprocessing), preprocessing, chosen)
        onnx.save(model, file)
        prepared = PreparedGraph(
            file=file,
            precision=chosen.precision,
            input_name=graph.input_name,
            preprocessing=preprocessing,
            output=output_of(network),
            reference=network_runner(graph),
        )
        return publish(prepared, directory, _publication(network, description))


def _as_chosen(
    model: onnx.ModelProto, preprocessing: Preprocessing, options: ExportOptions
) -> onnx.ModelProto:
    """In the chosen precision, or in single precision with its weights stored as chosen."""
    if options.precision == "fp32":
        return store_weights_as_float16(model) if options.weights_storage == "fp16" else model
    source = options.calibration
    items = None if source is None else read_items(source, preprocessing)
    return reduced(model, options.precision, items)


def _publication(network: TrackletNetwork, description: ArtifactDescription) -> Publication:
    best = description.report.summary[FULL].mean
    judged = Judged("at the export", "reid-train evaluate WEIGHTS --json", description.report)
    results = MeasuredResults(evaluations=(judged,))
    return Publication(
        name=description.card.name,
        version=description.card.version,
        provenance=Provenance(
            network=network_in_words(network.config),
            commit=description.commit,
            data=description.card.data,
            protocol=description.report.protocol.sentence(),
            rank_1=best.rank_1,
            mean_average_precision=best.mean_average_precision,
            exporter=dict(exporter_versions()),
            data_licence=description.card.data_licence,
        ),
        card=lambda manifest: model_card(manifest, description.card, results),
    )


def exporter_versions() -> Mapping[str, str]:
    """Versions of the packages that decide what the exporter writes and the gate draws."""
    packages = ("torch", "timm", "onnx", "onnxscript", "numpy", "pillow")
    return {name: installed_version(name) for name in packages}
