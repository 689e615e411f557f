"""What bodies and query strings are made of: strict models, attributes, embeddings, filters."""

import math
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    WithJsonSchema,
)

ACCEPTED_EMBEDDING = "a list of finite numbers, or base64 of little-endian float32"
ACCEPTED_ATTRIBUTE = "text of at most 1000 characters, a finite number, true or false"


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("a name of printable characters")
    return name


AttributeName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]


class StrictBody(BaseModel):
    """JSON of a request: unknown keys are refused by name, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class QueryString(BaseModel):
    """What follows the question mark; unknown keys are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def is_attribute_value(value: object) -> bool:
    """Whether it can be the value of an attribute."""
    return (isinstance(value, str) and len(value) <= 1000) or (
        isinstance(value, int | float) and _is_finite(value)
    )


def _attribute_value(value: object) -> object:
    """One validator in place of a union: its error then names what is wanted, not each branch."""
    if not is_attribute_value(value):
        raise ValueError(ACCEPTED_ATTRIBUTE)
    return value


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond every float
        return False


def _wire_embedding(value: object) -> object:
    """Lets NaN through: the gallery refuses it under the embedding's own error code."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise ValueError(ACCEPTED_EMBEDDING)  # noqa: TRY004 pydantic turns only ValueError into a field error
    for position, number in enumerate(value):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError(f"{ACCEPTED_EMBEDDING}; position {position} is not a number")  # noqa: TRY004
    return value


def _wire_filter(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("an object with one operator as its key")  # noqa: TRY004
    return value


AttributeValue = Annotated[
    bool | int | float | str,
    PlainValidator(_attribute_value),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
WireEmbedding = Annotated[
    list[float] | str,
    PlainValidator(_wire_embedding),
    WithJsonSchema(
        {"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]},
    ),
]
WireFilter = Annotated[
    dict[str, JsonValue],
    PlainValidator(_wire_filter),
    WithJsonSchema(
        {
            "type": "object",
            "description": "One operator: and, or, not, equals, in, exists, overlaps, between.",
            "examples": [
                {
                    "and": [
                        {"in": {"field": "camera", "values": ["entrance", "stairs"]}},
                        {"overlaps": {"start": "2026-01-31T12:00:00Z"}},
                    ]
                }
            ],
        }
    ),
]
"""A filter as sent; `service.api.filter_json` reads it."""
