"""An artifact whose model costs nothing, so that only what stands around a model is measured."""

from pathlib import Path

import numpy as np
import onnx
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

HEIGHT, WIDTH, MOST_FRAMES, DIMENSION = 256, 128, 32, 96
_FILES = ("graph.onnx", "golden_clip.npy", "golden_embedding.npy", "card.md")


def write_null_artifact(directory: Path) -> None:
    """Write graph, golden clip and embedding, card and manifest into `directory`.

    A frame's features are the brightness of 96 of its values; the rest of it is not looked at.
    """
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save_model(_graph(), directory / "graph.onnx")
    clip = np.random.default_rng(0).integers(1, 256, (4, HEIGHT, WIDTH, 3), dtype=np.uint8)
    np.save(directory / "golden_clip.npy", clip)
    mean = clip[:, ::64, ::16, :].reshape(len(clip), DIMENSION).mean(axis=0)
    np.save(directory / "golden_embedding.npy", (mean / np.linalg.norm(mean)).astype(np.float32))
    (directory / "card.md").write_text("A few values of each frame, for measuring.\n")
    save_manifest(directory, _manifest(directory))


def _graph() -> onnx.ModelProto:
    """`frames` uint8 [n, height, width, 3] to `features` float32 [n, 96]."""
    constants = {
        "starts": np.array([0, 0]),
        "ends": np.array([HEIGHT, WIDTH]),
        "axes": np.array([1, 2]),
        "steps": np.array([64, 16]),
        "flat": np.array([-1, DIMENSION]),
    }
    nodes = [
        helper.make_node("Slice", ["frames", "starts", "ends", "axes", "steps"], ["few"]),
        helper.make_node("Reshape", ["few", "flat"], ["row"]),
        helper.make_node("Cast", ["row"], ["features"], to=TensorProto.FLOAT),
    ]
    frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", HEIGHT, WIDTH, 3])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", DIMENSION])
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "null", [frames], [features], initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def _manifest(directory: Path) -> Manifest:
    files = {name: file_digest(directory / name) for name in _FILES}
    preprocessing = Preprocessing(
        frames_per_clip=None,
        choice=FrameChoice(policy="evenly_spaced", most=MOST_FRAMES),
        height=HEIGHT,
        width=WIDTH,
        interpolation="bilinear_antialias",
        colour="RGB",
    )
    output = OutputTensor(
        name="features",
        dimension=DIMENSION,
        normalised=True,
        metric="cosine",
        pooling="mean",
        parts=(EmbeddingPart(name="values", dimension=DIMENSION),),
    )
    fingerprint = model_fingerprint(files["graph.onnx"].sha256, preprocessing, output)
    return Manifest(
        schema_version=2,
        model=ModelIdentity(name="null", version="1", fingerprint=fingerprint),
        graph=Graph(file="graph.onnx", precision="fp32", batching_unit="frame"),
        input=InputTensor(name="frames", dtype="uint8", axes=("n", "h", "w", "c"), dynamic=("n",)),
        preprocessing=preprocessing,
        output=output,
        files=files,
        golden=Golden(clip=_FILES[1], embedding=_FILES[2], least_cosine=0.9999),
        gate=None,
        calibration=None,
        provenance=Provenance(
            commit="0" * 40,
            data="none",
            protocol="none",
            rank_1=None,
            mean_average_precision=None,
            exporter={"onnx": onnx.__version__},
            data_licence="none",
        ),
    )
