"""A graph with its constants folded, before its precision is reduced.

What a runtime fuses for its own processor it fuses when it loads the graph: stored fused, a graph
is bound to that runtime. So only what every runtime reads is stored.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import onnxruntime


def folded(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `graph` with constants computed; weights stored as float16 become float32 again.

    Raises:
        ValueError: When ONNX Runtime cannot load the graph, or an operator of its own is left.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "folded.onnx"
        options.optimized_model_filepath = str(path)
        try:
            onnxruntime.InferenceSession(
                graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's errors share no other class
            raise ValueError(
                f"expected a graph that ONNX Runtime loads, received: {error}; export it again"
            ) from error
        result = onnx.load(path)
    _keep_imports_in_use(result)
    return result


def _keep_imports_in_use(graph: onnx.ModelProto) -> None:
    """The runtime declares every domain that it knows, which other readers stumble over."""
    used = {node.domain for node in graph.graph.node}
    kept = [imported for imported in graph.opset_import if imported.domain in used]
    del graph.opset_import[:]
    graph.opset_import.extend(kept)
