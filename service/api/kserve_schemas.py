"""Requests and answers of the Open Inference Protocol (KServe V2)."""

from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from service.api.answers import Answer
from service.api.wire_types import StrictBody

FRAMES = "frames"
FILES = "files"
EMBEDDING = "embedding"


def _tensor_data(value: object) -> object:
    """Looked at when it is read: a model of every number would cost more than the numbers."""
    if not isinstance(value, list):
        raise ValueError("a list")  # noqa: TRY004 pydantic turns only ValueError into a field error
    return value


TensorData = Annotated[
    list[object],
    PlainValidator(_tensor_data),
    WithJsonSchema(
        {"type": "array", "items": {}, "description": "Flat, or nested as `shape` says."}
    ),
]


class InferParameters(StrictBody):
    """Of a request."""

    priority: int = Field(default=0, ge=0, description="0: usual; 1: interactive; others: bulk.")
    timeout: int = Field(default=0, ge=0, description="Microseconds; 0: usual.")
    binary_data_output: bool = False


class InputParameters(StrictBody):
    """Of an input."""

    binary_data_size: int | None = Field(
        default=None, ge=0, description="Its bytes follow the JSON, in place of `data`."
    )


class InferInput(StrictBody):
    """A tracklet: `frames` are UINT8 [t, h, w, 3], `files` are BYTES [t] (base64 in JSON)."""

    name: Literal["frames", "files"]
    shape: list[int] = Field(max_length=8)
    datatype: Literal["UINT8", "BYTES"]
    parameters: InputParameters = InputParameters()
    data: TensorData | None = None


class OutputParameters(StrictBody):
    """Of an output."""

    binary_data: bool | None = None


class InferOutput(StrictBody):
    """What is wanted."""

    name: Literal["embedding"]
    parameters: OutputParameters = OutputParameters()


class InferBody(StrictBody):
    """One tracklet to embed."""

    id: str | None = Field(default=None, max_length=256, description="Repeated in the answer.")
    parameters: InferParameters = InferParameters()
    inputs: list[InferInput] = Field(min_length=1, max_length=1)
    outputs: list[InferOutput] = Field(default_factory=list, max_length=1)


class ServerAnswer(Answer):
    """Who answers."""

    name: str
    version: str
    extensions: list[str]


class ServerLiveAnswer(Answer):
    """The process answers."""

    live: bool


class ServerReadyAnswer(Answer):
    """The service takes requests."""

    ready: bool


class ModelReadyAnswer(Answer):
    """The model takes requests."""

    name: str
    ready: bool


class TensorAnswer(Answer):
    """A tensor that the model takes or gives; -1 is any length."""

    name: str
    datatype: str
    shape: list[int]


class KserveModelAnswer(Answer):
    """A model. One of its inputs is sent: pixels as `frames`, or picture files as `files`."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorAnswer]
    outputs: list[TensorAnswer]


class OutputSize(Answer):
    """How many bytes of an output follow the JSON."""

    binary_data_size: int


class InferOutputAnswer(TensorAnswer):
    """The embedding, in `data` or behind the JSON."""

    data: list[float] | None = None
    parameters: OutputSize | None = None


class InferAnswer(Answer):
    """What the model gave."""

    model_name: str
    model_version: str
    id: str | None
    outputs: list[InferOutputAnswer]
