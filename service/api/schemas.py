"""What the service accepts in JSON bodies and query strings; unknown keys are refused by name."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from service.api.timestamps import QueryTimestamp, Timestamp
from service.api.wire_types import (
    AttributeName,
    AttributeValue,
    QueryString,
    StrictBody,
    WireEmbedding,
)

DEFAULT_GALLERY = "default"


class MetadataBody(StrictBody):
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


class EnrollBody(StrictBody):
    """Enroll by embedding, from this model's `/embed`."""

    embedding: WireEmbedding = Field(examples=[[0.12, -0.03]])
    metadata: MetadataBody = MetadataBody()


class SearchOptionsBody(StrictBody):
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


class EmbedQuery(QueryString):
    """How `/embed` writes the embedding."""

    encoding: Literal["float", "base64"] = "float"


class TrackletQuery(QueryString):
    """Whether the embedding is part of the answer."""

    embedding: bool = False


class PageQuery(QueryString):
    """Which tracklets of a gallery, and which page of them."""

    identity: str | None = None
    camera: str | None = None
    start: QueryTimestamp | None = None
    end: QueryTimestamp | None = None
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int | None = Field(default=None, ge=1, description="Tracklets on a page.")
