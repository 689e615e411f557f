"""Tracklets between the wire and the gallery."""

from service.api.answers import TrackletAnswer
from service.api.schemas import MetadataBody
from service.gallery.records import TrackletMetadata, TrackletRecord


def metadata_of(body: MetadataBody) -> TrackletMetadata:
    """What the gallery keeps of it.

    Raises:
        InvalidIdentifier: When identity or camera is none.
        InvalidMetadata: When the times are not in order, or an attribute cannot be kept.
    """
    return TrackletMetadata(
        identity=body.identity,
        camera=body.camera,
        start_s=body.start,
        end_s=body.end,
        attributes=body.attributes,
        expires_s=body.expires,
    )


def metadata_body(metadata: TrackletMetadata) -> MetadataBody:
    """What goes over the wire; the inverse of `metadata_of`."""
    # Not validated anew: attributes may have been enrolled under wider bounds than today's.
    return MetadataBody.model_construct(
        identity=metadata.identity,
        camera=metadata.camera,
        start=metadata.start_s,
        end=metadata.end_s,
        attributes=dict(metadata.attributes),
        expires=metadata.expires_s,
    )


def tracklet_answer(record: TrackletRecord) -> TrackletAnswer:
    """The record without its embedding."""
    metadata = record.metadata
    return TrackletAnswer(
        tracklet_id=record.tracklet_id,
        identity=metadata.identity,
        camera=metadata.camera,
        start=metadata.start_s,
        end=metadata.end_s,
        attributes=dict(metadata.attributes),
        expires=metadata.expires_s,
        seq=record.seq,
        enrolled=record.enrolled_s,
    )
