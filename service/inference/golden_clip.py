"""Whether a backend gives the golden clip the embedding that the artifact says it must."""

import numpy as np
from numpy.typing import NDArray

from model.manifest import ArtifactError, Manifest
from service.batching.backend import Backend
from service.inference.artifact import Artifact
from service.inference.pooling import pool_embedding
from service.inference.tracklet_items import tracklet_items

_LEAST_REDUCED = 0.999
"""Of a precision below the graph's own, where the manifest would be content with less."""


def reproduce_golden(backend: Backend, artifact: Artifact, batch_size: int) -> float:
    """Embed the golden clip in batches of `batch_size` at most; returns its cosine.

    Raises:
        ArtifactError: When there is no embedding, or one that is too far from the artifact's.
    """
    items = tracklet_items(artifact.golden_clip, artifact.manifest)
    batches = [items[i : i + batch_size] for i in range(0, len(items), batch_size)]
    try:
        rows = np.concatenate([backend.run(batch) for batch in batches])
        embedding = pool_embedding(rows, artifact.manifest.output)
    except Exception as error:
        raise _failed(artifact, backend, f"no embedding: {error}") from error
    cosine = _cosine(embedding, artifact.golden_embedding)
    if not cosine >= least_cosine(artifact.manifest, backend.precision):
        raise _failed(artifact, backend, f"cosine {cosine:.6f}")
    return cosine


def least_cosine(manifest: Manifest, precision: str) -> float:
    """What the manifest asks for; of a reduced precision no less than 0.999."""
    asked = manifest.golden.least_cosine
    return asked if precision == manifest.graph.precision else max(asked, _LEAST_REDUCED)


def _failed(artifact: Artifact, backend: Backend, received: str) -> ArtifactError:
    return ArtifactError(
        f"expected {artifact.directory} to reproduce its golden clip with cosine "
        f"{least_cosine(artifact.manifest, backend.precision)} or more on {backend.name} in "
        f"{backend.precision}, received {received}; "
        "export the artifact again with the runtime version that is installed"
    )


def _cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    one, other = first.astype(np.float64), second.astype(np.float64)
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
