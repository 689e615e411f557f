"""Requests and answers of OpenAI's embeddings, whose inputs are tracklets here."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from service.api.answers import Answer
from service.api.wire_types import StrictBody

MOST_INPUTS = 2048
"""As many as the convention allows; the body's limit comes first where frames are large."""

_ACCEPTED_INPUT = (
    f"a list of 1 to {MOST_INPUTS} tracklets, each a list of data URIs of picture files, "
    "or one data URI where a tracklet has one frame"
)


def _tracklets(value: object) -> list[list[str]]:
    """Text is a tracklet of one frame."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_INPUTS:
        raise ValueError(_ACCEPTED_INPUT)
    tracklets = [[each] if isinstance(each, str) else each for each in listed]
    for place, tracklet in enumerate(tracklets):
        whole = isinstance(tracklet, list) and all(isinstance(frame, str) for frame in tracklet)
        if not whole:
            raise ValueError(f"{_ACCEPTED_INPUT}; position {place} is neither")
    return tracklets


_FRAME = {"type": "string", "format": "byte", "description": "data:image/jpeg;base64,..."}
_TRACKLET = {"anyOf": [_FRAME, {"type": "array", "items": _FRAME, "minItems": 1}]}

Tracklets = Annotated[
    list[list[str]],
    PlainValidator(_tracklets),
    WithJsonSchema(
        {
            "anyOf": [
                _FRAME,
                {
                    "type": "array",
                    "items": _TRACKLET,
                    "minItems": 1,
                    "maxItems": MOST_INPUTS,
                    "description": "Tracklets; a tracklet is a list of frames in time order.",
                },
            ]
        }
    ),
]


class EmbeddingsBody(StrictBody):
    """What to embed, as OpenAI's clients say it."""

    model: str = Field(description="Name or fingerprint of the served model, or `reid`.")
    input: Tracklets
    encoding_format: Literal["float", "base64"] = Field(
        default="float", description="base64 is of little-endian float32; the SDKs ask for it."
    )
    dimensions: int | None = Field(default=None, description="No other than the model's.")
    user: str | None = Field(default=None, description="Not looked at, and not kept.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": "reid", "input": [["data:image/jpeg;base64,..."]]}]
        }
    )


class EmbeddingItem(Answer):
    """One tracklet's embedding; `index` is its place in `input`."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Usage(Answer):
    """Frames that were embedded, under the names that clients know."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(Answer):
    """Embeddings in the order of the input."""

    object: Literal["list"] = "list"
    data: list[EmbeddingItem]
    model: str
    usage: Usage
