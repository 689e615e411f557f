"""From picture files to an embedding by Pillow, NumPy and ONNX Runtime, without anything clever."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from model.manifest import load_manifest


class OrdinaryEmbedding:
    """The same graph, the same resizing and the same pooling as the service's.

    Args:
        artifact: What to run.
        threads: Of one run; 0 is the runtime's own default.
    """

    def __init__(self, artifact: Path, *, threads: int = 0) -> None:
        self._manifest = load_manifest(artifact)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            str(artifact / self._manifest.graph.file), options, providers=["CPUExecutionProvider"]
        )

    def embed(self, frames: Sequence[bytes]) -> list[float]:
        """The embedding of one tracklet's files."""
        preprocessing = self._manifest.preprocessing
        size = (preprocessing.width, preprocessing.height)
        pixels = np.stack(
            [
                np.asarray(
                    Image.open(io.BytesIO(frame))
                    .convert("RGB")
                    .resize(size, Image.Resampling.BILINEAR)
                )
                for frame in frames
            ]
        )
        features = self._session.run(None, {self._manifest.input.name: pixels})[0].mean(axis=0)
        ends = np.cumsum([part.dimension for part in self._manifest.output.parts])[:-1]
        whole = np.concatenate([part / np.linalg.norm(part) for part in np.split(features, ends)])
        embedding: list[float] = (whole / np.linalg.norm(whole)).tolist()
        return embedding
