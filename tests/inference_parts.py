"""Graphs and plans for tests of what runs a model."""

import numpy as np

from service.inference.graph import Graph
from service.inference.plan import InferencePlan


def graph_of(directory, manifest):
    """The graph of an artifact, read anew and not verified again."""
    path = directory / manifest.graph.file
    return Graph(path, path.read_bytes(), manifest)


def plan_of(**changes):
    """One lane of one thread on ONNX Runtime, but for the changes."""
    plain = {
        "provider": "cpu",
        "precision": "fp32",
        "lanes": 1,
        "threads": 1,
        "batch_sizes": (1, 2),
    }
    return InferencePlan.model_validate({**plain, **changes})


def drawn_frames(count, seed=7, height=64, width=32):
    """Random frames uint8 [count, height, width, 3]."""
    pixels = np.random.default_rng(seed)
    return pixels.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def unheard(doing):
    """Nobody listens to what is reported."""
