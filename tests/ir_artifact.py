"""The tiny artifact once more, its graph an OpenVINO IR: two files, run by one runtime."""

from model.manifest import file_digest, model_fingerprint, save_manifest
from model.stored_graph import Graph
from tests.artifact_factory import write_tiny_artifact
from training.export.openvino_runtime import openvino_runtime


def write_tiny_ir_artifact(directory, **tiny):
    """As `write_tiny_artifact`, in the format `openvino`."""
    manifest = write_tiny_artifact(directory, **tiny)
    onnx_file = directory / manifest.graph.file
    runtime = openvino_runtime()
    runtime.save_model(runtime.Core().read_model(onnx_file), str(directory / "graph.xml"))
    onnx_file.unlink()
    graph = Graph(
        file="graph.xml",
        format="openvino",
        weights_file="graph.bin",
        precision="fp32",
        batching_unit=manifest.graph.batching_unit,
    )
    return save_ir_manifest(directory, manifest, graph)


def save_ir_manifest(directory, manifest, graph):
    """The manifest with this graph and the digests of the files as they are now."""
    names = {*manifest.files, *graph.files} - {"graph.onnx"}
    files = {name: file_digest(directory / name) for name in sorted(names)}
    sha256, *weights = (files[name].sha256 for name in graph.files)
    fingerprint = model_fingerprint(sha256, manifest.preprocessing, manifest.output, *weights)
    changed = manifest.model_copy(
        update={
            "graph": graph,
            "files": files,
            "model": manifest.model.model_copy(update={"fingerprint": fingerprint}),
        }
    )
    save_manifest(directory, changed)
    return changed
