"""What lines say that may carry frames: of `/embed:bulk` and `/tracklets:bulk`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.api.schemas import STATED_MODEL, MetadataBody
from service.api.wire_types import StrictBody, WireEmbedding

LineFrames = Annotated[
    list[Annotated[str, Field(json_schema_extra={"format": "byte"})]],
    Field(description="JPEG, PNG or WebP files in time order, each as base64 or as a data URI."),
]


class EmbedLine(StrictBody):
    """One tracklet to embed."""

    tracklet_id: str | None = Field(
        default=None, max_length=256, description="Repeated in the answer; any name."
    )
    frames: LineFrames


class BulkLine(StrictBody):
    """One tracklet to enroll, by exactly one of `embedding` and `frames`."""

    tracklet_id: str
    embedding: WireEmbedding | None = None
    frames: LineFrames | None = None
    model: str | None = Field(default=None, description=STATED_MODEL)
    metadata: MetadataBody = MetadataBody()
    if_seq: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.embedding is None) == (self.frames is None):
            raise ValueError("exactly one of `embedding` and `frames`")
        if self.model is not None and self.embedding is None:
            raise ValueError("`model` beside an `embedding` only")
        return self
