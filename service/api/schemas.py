"""What the service accepts in JSON bodies and query strings; unknown keys are refused by name."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from service.api.timestamps import QueryTimestamp, Timestamp
from service.api.wire_types import (
    AttributeName,
    AttributeValue,
    QueryString,
    StrictBody,
    WireEmbedding,
    WireFilter,
)

DEFAULT_GALLERY = "default"
_TOP_M = 3


class MetadataBody(StrictBody):
    """What is known of a tracklet; every key may be left out."""

    identity: str | None = Field(default=None, description="Which person, if known.")
    camera: str | None = Field(default=None, description="Which camera saw the tracklet.")
    start: Timestamp | None = None
    end: Timestamp | None = None
    attributes: dict[AttributeName, AttributeValue] = Field(
        default_factory=dict, max_length=32, description="Flat: text, numbers, true or false."
    )
    expires: Timestamp | None = Field(
        default=None, description="From then on the tracklet is found by nothing, and deleted."
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


STATED_MODEL = "Fingerprint that came with the embedding; of another model it is refused."


class EnrollBody(StrictBody):
    """Enroll by embedding, from this model's `/embed`."""

    embedding: WireEmbedding = Field(examples=[[0.12, -0.03]])
    model: str | None = Field(default=None, description=STATED_MODEL)
    metadata: MetadataBody = MetadataBody()


class TransitBody(StrictBody):
    """How long people take from one camera to another, in seconds."""

    from_camera: str
    to_camera: str
    least_s: float = 0.0
    most_s: float | None = Field(default=None, description="Left out: any time later.")


class TopologyBody(StrictBody):
    """Which cameras a person can have come from, or gone to, in the time between."""

    transits: list[TransitBody] = Field(max_length=10_000)
    unlisted: Literal["possible", "impossible"] = "possible"


class RerankBody(StrictBody):
    """k-reciprocal re-ranking of the first matches."""

    first: int = Field(default=100, description="How many matches are ordered anew.")
    k1: int = 20
    k2: int = 6
    original: float = Field(default=0.3, description="Weight of the cosine itself.")


def _rerank(value: object) -> object:
    if isinstance(value, bool):
        return RerankBody() if value else None
    return value


class SearchOptionsBody(StrictBody):
    """Where to search and how to rank."""

    gallery: str = DEFAULT_GALLERY
    top_k: int = Field(default=10, ge=1, description="How many matches at most.")
    group_by: Literal["tracklet", "identity"] = "tracklet"
    group_mode: Literal["max", "mean", "top-m"] = "max"
    m: int = Field(default=_TOP_M, ge=1, description="Tracklets that `top-m` averages.")
    exclude_same_camera: bool = Field(
        default=False, description="Leave out tracklets of the query's camera."
    )
    exclude_ids: list[str] = Field(default_factory=list, max_length=1000)
    max_per_camera: int | None = Field(default=None, ge=1)
    camera: str | None = Field(default=None, description="The query's camera.")
    query_start: Timestamp | None = Field(default=None, description="When the query begins.")
    query_end: Timestamp | None = Field(default=None, description="When the query ends.")
    cameras: list[str] | None = Field(default=None, min_length=1, max_length=1000)
    start: Timestamp | None = None
    end: Timestamp | None = None
    filter: WireFilter | None = None
    topology: TopologyBody | None = None
    min_similarity: float | None = Field(default=None, ge=-1, le=1)
    rerank: Annotated[RerankBody | None, BeforeValidator(_rerank)] = Field(
        default=None, description="true, or the numbers of the method."
    )
    mode: Literal["auto", "exact", "ann"] = "auto"
    false_accept_rate: float | None = Field(
        default=None, gt=0, lt=1, description="One that the model is calibrated for."
    )
    min_seq: int | None = Field(default=None, ge=0, description="A write that must be seen.")

    @model_validator(mode="after")
    def _with_effect(self) -> Self:
        if self.group_mode != "max" and self.group_by != "identity":
            raise ValueError("an object with `group_mode` only beside `group_by`: `identity`")
        if self.m != _TOP_M and self.group_mode != "top-m":
            raise ValueError("an object with `m` only beside `group_mode`: `top-m`")
        return self


class SearchBody(SearchOptionsBody):
    """Search by exactly one of `embedding` and `tracklet_id`."""

    embedding: WireEmbedding | None = None
    model: str | None = Field(default=None, description=STATED_MODEL)
    tracklet_id: str | None = Field(default=None, description="A tracklet already enrolled.")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tracklet_id": "person-7-a", "top_k": 5}]}
    )

    @model_validator(mode="after")
    def _one_query(self) -> Self:
        if (self.embedding is None) == (self.tracklet_id is None):
            raise ValueError("exactly one of `embedding` and `tracklet_id`")
        if self.model is not None and self.embedding is None:
            raise ValueError("`model` beside an `embedding` only")
        return self


class EmbedQuery(QueryString):
    """How `/embed` writes the embedding."""

    encoding: Literal["float", "base64"] = "float"


class WriteQuery(QueryString):
    """When to write."""

    if_seq: int | None = Field(
        default=None, ge=0, description="Only where the tracklet's `seq` is this; 0 for none yet."
    )


class EraseQuery(QueryString):
    """Whether a deletion leaves bytes behind."""

    erase: bool = Field(default=False, description="Leave no byte behind, with a receipt.")
    wait: bool = Field(default=False, description="Answer an erasure when it is final.")


class DeleteQuery(WriteQuery, EraseQuery):
    """When one tracklet is deleted, and whether that leaves bytes behind."""


class ReadQuery(QueryString):
    """How new the answer must be."""

    min_seq: int | None = Field(default=None, ge=0, description="A write that must be seen.")


class TrackletQuery(ReadQuery):
    """Whether the embedding is part of the answer."""

    embedding: bool = False


class AuditQuery(QueryString):
    """Which page of the audit log."""

    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int | None = Field(default=None, ge=1, description="Entries on a page.")


class PagingQuery(ReadQuery):
    """Which page."""

    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int | None = Field(default=None, ge=1, description="Names on a page.")


class PageQuery(PagingQuery):
    """Which tracklets of a gallery, and which page of them."""

    identity: str | None = None
    camera: str | None = None
    start: QueryTimestamp | None = None
    end: QueryTimestamp | None = None
    filter: str | None = Field(default=None, description="JSON, as in a search.")
