"""What the service accepts about galleries, identities, batches, and lines of bulk and import."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.api.schemas import EnrollBody, MetadataBody
from service.api.timestamps import Timestamp
from service.api.wire_types import QueryString, StrictBody, WireFilter

MOST_IN_BATCH = 256
MOST_NAMED = 1000
EXPORT_FORMAT: Literal[1] = 1
"""Version of the lines that an export is made of."""

Encoding = Literal["float16", "float32"]
Names = Annotated[list[str], Field(min_length=1, max_length=MOST_NAMED)]


class CreateGalleryBody(StrictBody):
    """A gallery for embeddings of the model that is served."""

    name: str
    max_tracklets: int | None = Field(
        default=None, ge=1, le=10**12, description="More are refused."
    )
    retention_s: float | None = Field(
        default=None,
        gt=0,
        le=10**10,
        description="Tracklets expire so long after they were enrolled.",
    )

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "station-east", "retention_s": 432000.0}]}
    )


class AliasBody(StrictBody):
    """Which gallery an alias means."""

    gallery: str


class BatchItem(EnrollBody):
    """One tracklet of a batch or of a line."""

    tracklet_id: str
    if_seq: int | None = Field(default=None, ge=0)


class BatchBody(StrictBody):
    """Up to 256 changes that are made together, or not at all."""

    enroll: list[BatchItem] = Field(default_factory=list, max_length=MOST_IN_BATCH)
    delete: list[str] = Field(default_factory=list, max_length=MOST_IN_BATCH)


class DeleteChosenBody(StrictBody):
    """Which tracklets to delete; {"and": []} chooses all."""

    filter: WireFilter


class RenameBody(StrictBody):
    """Give an identity another name."""

    identity: str
    to: str


class MergeBody(StrictBody):
    """Make several identities one."""

    identities: Names
    into: str


class SplitBody(StrictBody):
    """Make some tracklets of an identity another one."""

    identity: str
    tracklet_ids: Names
    to: str


class ReassignBody(StrictBody):
    """Say of whom tracklets are; null that it is not known."""

    tracklet_ids: Names
    identity: str | None


class ExportQuery(QueryString):
    """What to export, and how embeddings are written."""

    encoding: Encoding = "float16"
    filter: str | None = Field(default=None, description="JSON, as in a search.")


class ExportedModel(BaseModel):
    """The model whose embeddings an export holds."""

    model_config = ConfigDict(frozen=True, strict=True)

    fingerprint: str
    dimension: int


class ExportHeader(BaseModel):
    """First line of an export. Unknown keys are of later releases."""

    model_config = ConfigDict(frozen=True, strict=True)

    export: Literal[1]
    model: ExportedModel
    encoding: Encoding
    gallery: str
    gallery_id: str
    seq: int
    tracklets: int


class ExportLine(StrictBody):
    """One tracklet of an export; `embedding` is base64 in the encoding of the header."""

    tracklet_id: str
    embedding: str
    metadata: MetadataBody
    enrolled: Timestamp
    seq: int


class ExportEnd(StrictBody):
    """Last line of an export: without it, or with another number, lines are missing."""

    end: Literal[True]
    tracklets: int
