"""A graph that teaches: an ONNX file or an OpenVINO IR, run as its authors fed it."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from training.frozen_model import Count, FrozenModel, Positive

Colour = Literal["rgb", "bgr"]


class TeacherInput(FrozenModel):
    """What a teacher expects of a frame, as float [1, 3, height, width].

    Attributes:
        height: Pixel rows.
        width: Pixel columns.
        colour: Order of the channels.
        mean: Taken off each channel, in that order, of pixels from 0 to 255.
        std: Each channel is then divided by it.
    """

    height: Annotated[int, Field(ge=16)] = 256
    width: Annotated[int, Field(ge=16)] = 128
    colour: Colour = "rgb"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)


class TeacherGraph:
    """Embeds single frames; OpenVINO runs both formats, a frame at a time, as any graph can.

    Attributes:
        sha256: Of the graph and, of an IR, of its weights after it.

    Args:
        path: `.onnx`, or `.xml` with the `.bin` of the same name beside it.
        given: What it expects.
        threads: Of the CPU; 0 leaves the number to the runtime.

    Raises:
        ValueError: When it is no such file, or does not take one frame of that size.
    """

    def __init__(self, path: Path, given: TeacherInput, *, threads: Count | Literal[0] = 0) -> None:
        import openvino  # noqa: PLC0415  # takes a second to load, and few runs have a teacher

        self.given = given
        self._mean = np.array(given.mean, np.float32)
        self._std = np.array(given.std, np.float32)
        self.sha256 = graph_sha256(path)
        try:
            core = openvino.Core()
            if threads:
                core.set_property("CPU", {"INFERENCE_NUM_THREADS": threads})
            model = core.read_model(path)
            _require_one_input(path, len(model.inputs))
            model.reshape([1, 3, given.height, given.width])
            self._request: Any = core.compile_model(model, "CPU").create_infer_request()
        except RuntimeError as error:
            raise ValueError(
                f"expected a graph at {path} that takes [1, 3, {given.height}, {given.width}], "
                f"received: {_first_line(error)}; set --height and --width to what it was made for"
            ) from error

    def embed(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """A frame [height, width, 3], RGB → its embedding [d], L2-normalised.

        Raises:
            ValueError: When the embedding has no direction.
        """
        pixels = frame if self.given.colour == "rgb" else frame[:, :, ::-1]
        scaled = (pixels.astype(np.float32) - self._mean) / self._std
        self._request.infer([np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])])
        row: NDArray[np.float32] = self._request.get_output_tensor(0).data.ravel()
        length = float(np.linalg.norm(row))
        if not np.isfinite(length) or length == 0:
            raise ValueError(
                f"expected an embedding with a direction, received one of length {length}; "
                "check --colour, --mean and --std"
            )
        return row / np.float32(length)


def graph_sha256(path: Path) -> str:
    """SHA-256 of an ONNX file, or of an IR's .xml and .bin, one after the other.

    Raises:
        ValueError: When a file is missing or the name ends otherwise.
    """
    files = {".onnx": [path], ".xml": [path, path.with_suffix(".bin")]}.get(path.suffix)
    if files is None:
        raise ValueError(
            f"expected a graph that ends in .onnx or .xml (OpenVINO IR), received {path}; "
            "name the graph itself"
        )
    digest = hashlib.sha256()
    for file in files:
        if not file.is_file():
            raise ValueError(
                f"expected a file at {file}, received none; restore it, or name the right graph"
            )
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _require_one_input(path: Path, inputs: int) -> None:
    if inputs != 1:
        raise ValueError(
            f"expected a graph with one input at {path}, received {inputs}; "
            "name one that takes frames alone"
        )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
