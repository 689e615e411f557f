"""What the service accepts in JSON bodies and query strings; unknown keys are refused by name."""

import math
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from service.api.timestamps import QueryTimestamp, Timestamp

DEFAULT_GALLERY = "default"
ACCEPTED_EMBEDDING = "a list of finite numbers, or base64 of little-endian float32"

AttributeName = Annotated[str, Field(min_length=1, max_length=64)]


def _attribute_value(value: object) -> object:
    """One validator in place of a union: its error then names what is wanted, not each branch."""
    fits = (isinstance(value, str) and len(value) <= 1000) or (
        isinstance(value, int | float) and _is_finite(value)
    )
    if not fits:
        raise ValueError("text of at most 1000 characters, a finite number, true or false")
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


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MetadataBody(_Body):
    """What is known of a tracklet; every key may be left out."""

    identity: str | None = Field(default=None, description="Which person, if known.")
    camera: str | None = Field(default=None, description="Which camera saw the tracklet.")
    start: Timestamp | None = None
    end: Timestamp | None = None
    attributes: dict[AttributeName, AttributeValue] = Field(
        default_factory=dict, max_length=32, description="Flat: text, numbers, true or false."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "identity": "person-7",
                    "camera": "entrance",
                    "start": "2026-01-31T12:00:00Z",
                    "end": "2026-01-31T12:00:04Z",
                    "attributes": {"shift": "day"},
                }
            ]
        }
    )


class EnrollBody(_Body):
    """Enroll by embedding, from this model's `/embed`."""

    embedding: WireEmbedding = Field(examples=[[0.12, -0.03]])
    metadata: MetadataBody = MetadataBody()


class SearchOptionsBody(_Body):
    """Where to search and how to rank."""

    gallery: str = DEFAULT_GALLERY
    top_k: int = Field(default=10, ge=1, description="How many matches at most.")
    group_by: Literal["tracklet", "identity"] = "tracklet"
    exclude_same_camera: bool = Field(
        default=False, description="Leave out tracklets of the query's camera."
    )
    camera: str | None = Field(default=None, description="The query's camera.")
    cameras: list[str] | None = Field(default=None, min_length=1, max_length=1000)
    start: Timestamp | None = None
    end: Timestamp | None = None
    min_similarity: float | None = Field(default=None, ge=-1, le=1)


class SearchBody(SearchOptionsBody):
    """Search by exactly one of `embedding` and `tracklet_id`."""

    embedding: WireEmbedding | None = None
    tracklet_id: str | None = Field(default=None, description="A tracklet already enrolled.")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tracklet_id": "person-7-a", "top_k": 5}]}
    )

    @model_validator(mode="after")
    def _one_query(self) -> Self:
        if (self.embedding is None) == (self.tracklet_id is None):
            raise ValueError("exactly one of `embedding` and `tracklet_id`")
        return self


class EmbedQuery(_Query):
    """How `/embed` writes the embedding."""

    encoding: Literal["float", "base64"] = "float"


class TrackletQuery(_Query):
    """Whether the embedding is part of the answer."""

    embedding: bool = False


class PageQuery(_Query):
    """Which tracklets of a gallery, and which page of them."""

    identity: str | None = None
    camera: str | None = None
    start: QueryTimestamp | None = None
    end: QueryTimestamp | None = None
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int | None = Field(default=None, ge=1, description="Tracklets on a page.")
