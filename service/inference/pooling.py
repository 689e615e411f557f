"""From the features of a tracklet's frames to its embedding, as the manifest says."""

import numpy as np
from numpy.typing import NDArray

from model.manifest import OutputTensor
from service.errors import InferenceFailed

_LEAST_NORM = 1e-12


def pool_embedding(features: NDArray[np.float32], output: OutputTensor) -> NDArray[np.float32]:
    """Mean over frames, L2 norm of each part, concatenation, L2 norm of the whole.

    Sums are in float64, so that the embedding does not depend on the order of additions.

    Args:
        features: float32 [t, d], one row per frame, t of 1 or more.
        output: Parts in column order; their dimensions sum to d.

    Returns:
        float32 [d] of length 1.

    Raises:
        ValueError: When `features` has another shape.
        InferenceFailed: When a value is not finite, or a part is zero and so has no direction.
    """
    if features.ndim != 2 or features.shape[0] < 1 or features.shape[1] != output.dimension:
        raise ValueError(
            f"expected features [t, {output.dimension}] with t of 1 or more, "
            f"received {list(features.shape)}; check the backend"
        )
    if not np.isfinite(features).all():
        raise _failed("finite features", "a value that is not finite")
    mean = features.mean(axis=0, dtype=np.float64)
    parts = []
    start = 0
    for part in output.parts:
        stop = start + part.dimension
        norm = float(np.linalg.norm(mean[start:stop]))
        if norm < _LEAST_NORM:
            raise _failed(f"a part {part.name!r} with a direction", "zeros")
        parts.append(mean[start:stop] / norm)
        start = stop
    whole = np.concatenate(parts)
    return np.asarray(whole / np.linalg.norm(whole), dtype=np.float32)


def _failed(expected: str, received: str) -> InferenceFailed:
    return InferenceFailed(
        expected=expected,
        received=f"{received} from the model",
        remedy="report these frames; the other requests are not touched by it",
    )
