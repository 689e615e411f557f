"""Which files hold a model's graph, and what runs them."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator


class Graph(BaseModel):
    """The graph's file, its precision, and the unit the server puts in a batch.

    Attributes:
        file: The graph; in the format `onnx` with its weights inside.
        format: `onnx`, which every runtime takes, or `openvino`: the IR of OpenVINO, which takes it
            alone.
        weights_file: The weights of an IR, which lie beside it; None for `onnx`.
        precision: In which it computes.
        batching_unit: What is one row of a batch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    format: Literal["onnx", "openvino"] = "onnx"
    weights_file: str | None = None
    precision: Literal["fp32", "fp16", "int8"]
    batching_unit: Literal["frame", "clip"]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that the graph consists of."""
        return (self.file,) if self.weights_file is None else (self.file, self.weights_file)

    @model_validator(mode="after")
    def _weights_where_the_format_keeps_them(self) -> Self:
        if (self.format == "openvino") != (self.weights_file is not None):
            wanted = "a weights_file" if self.format == "openvino" else "no weights_file"
            raise ValueError(
                f"expected {wanted} beside format {self.format!r}, received {self.weights_file!r}"
            )
        if self.weights_file == self.file:
            raise ValueError(f"expected two files of graph and weights, received {self.file!r}")
        return self
