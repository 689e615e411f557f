"""Writes a tiny artifact that keeps the whole contract, for tests that need any model at all.

Its graph cuts a frame into 4 rows by 2 columns, takes the mean colour of each cell and projects the
24 means with a seeded random matrix. Different frames give different features and colour matters,
so a tracklet dressed in red is nearer to another in red than to one in blue. The graph of clips
projects the means of all frames of a clip at once, so that their order matters.
"""

import math
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from model.manifest import (
    EmbeddingPart,
    FrameChoice,
    Golden,
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
from model.stored_graph import Graph

MOST_FRAMES = 8
PARTS = (EmbeddingPart(name="cnn", dimension=12), EmbeddingPart(name="transformer", dimension=8))
DIMENSION = sum(part.dimension for part in PARTS)
OUTPUT = OutputTensor(
    name="features",
    dimension=DIMENSION,
    normalised=True,
    metric="cosine",
    pooling="mean",
    parts=PARTS,
)
CELLS = (4, 2)
CLIP_FRAMES = 4
Unit = Literal["frame", "clip"]
AXES: dict[Unit, tuple[str, ...]] = {
    "frame": ("n", "h", "w", "c"),
    "clip": ("b", "t", "h", "w", "c"),
}
FILES = ("graph.onnx", "golden_clip.npy", "golden_embedding.npy", "card.md")


def write_tiny_artifact(
    directory: Path,
    *,
    height: int = 64,
    width: int = 32,
    version: str = "1",
    seed: int = 0,
    unit: Unit = "frame",
) -> Manifest:
    """Write graph, golden clip and embedding, card and manifest into `directory`.

    Args:
        directory: Created when missing.
        height: Rows of a frame; a multiple of 4.
        width: Columns of a frame; a multiple of 2.
        version: The model's version; it is a name only and leaves the fingerprint alone.
        seed: Of the projection and the golden clip; another seed is another fingerprint.
        unit: Whether its graph takes frames, or clips of `CLIP_FRAMES`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    graph = tiny_graph(height=height, width=width, seed=seed, unit=unit)
    onnx.save_model(graph, directory / "graph.onnx")
    pixels = np.random.default_rng(seed + 1)
    clip = pixels.integers(0, 256, (CLIP_FRAMES, height, width, 3), dtype=np.uint8)
    np.save(directory / "golden_clip.npy", clip)
    features = _run(directory / "graph.onnx", clip if unit == "frame" else clip[None])
    np.save(directory / "golden_embedding.npy", reference_embedding(features))
    (directory / "card.md").write_text("Random projection of colour means, for tests.\n")
    manifest = tiny_manifest(directory, height=height, width=width, version=version, unit=unit)
    save_manifest(directory, manifest)
    return manifest


def tiny_graph(*, height: int, width: int, seed: int, unit: Unit = "frame") -> onnx.ModelProto:
    """`frames` uint8 [n, height, width, 3] or [b, t, height, width, 3] to `features` [n, 20]."""
    rows, columns = CELLS
    clip = [] if unit == "frame" else [CLIP_FRAMES]
    means = math.prod(clip) * rows * columns * 3
    projection = np.random.default_rng(seed).normal(size=(means, DIMENSION))
    cells = [-1, rows, height // rows, columns, width // columns, 3]
    constants = {
        "cells": np.array(cells, dtype=np.int64),
        "axes": np.array([2, 4], dtype=np.int64),
        "flat": np.array([-1, means], dtype=np.int64),
        "centre": np.array(127.5, dtype=np.float32),
        "projection": (projection / 127.5).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["frames"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["float", "centre"], ["centred"]),
        helper.make_node("Reshape", ["centred", "cells"], ["by_cell"]),
        helper.make_node("ReduceMean", ["by_cell", "axes"], ["means"], keepdims=0),
        helper.make_node("Reshape", ["means", "flat"], ["row"]),  # of all frames of a clip
        helper.make_node("MatMul", ["row", "projection"], ["features"]),
    ]
    shape = ["n", *clip, height, width, 3]
    frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, shape)
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", DIMENSION])
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", [frames], [features], initial)
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


def tiny_manifest(
    directory: Path, *, height: int, width: int, version: str = "1", unit: Unit = "frame"
) -> Manifest:
    """The manifest of the files already in `directory`."""
    files = {name: file_digest(directory / name) for name in FILES}
    preprocessing = Preprocessing(
        frames_per_clip=None if unit == "frame" else CLIP_FRAMES,
        choice=FrameChoice(policy="evenly_spaced", most=MOST_FRAMES),
        height=height,
        width=width,
        interpolation="bilinear_antialias",
        colour="RGB",
    )
    fingerprint = model_fingerprint(files["graph.onnx"].sha256, preprocessing, OUTPUT)
    return Manifest(
        schema_version=2,
        model=ModelIdentity(name="tiny", version=version, fingerprint=fingerprint),
        graph=Graph(file="graph.onnx", precision="fp32", batching_unit=unit),
        input=InputTensor(name="frames", dtype="uint8", axes=AXES[unit], dynamic=AXES[unit][:1]),
        preprocessing=preprocessing,
        output=OUTPUT,
        files=files,
        golden=Golden(clip=FILES[1], embedding=FILES[2], least_cosine=0.9999),
        gate=None,
        calibration=None,
        provenance=Provenance(
            commit="0" * 40,
            data="none: random weights",
            protocol="none",
            rank_1=None,
            mean_average_precision=None,
            exporter={"onnx": onnx.__version__},
            data_licence="none",
        ),
    )


def reference_embedding(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The manifest's pooling in four lines: features [t, d] to embedding [d]."""
    mean = features.mean(axis=0, dtype=np.float64)
    parts = np.split(mean, np.cumsum([part.dimension for part in PARTS])[:-1])
    whole = np.concatenate([part / np.linalg.norm(part) for part in parts])
    return (whole / np.linalg.norm(whole)).astype(np.float32)


def _run(graph: Path, clip: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    features: NDArray[np.float32] = session.run(["features"], {"frames": clip})[0]
    return features
