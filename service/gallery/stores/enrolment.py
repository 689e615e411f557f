"""What an upsert becomes in a gallery: the same row body from every store."""

from dataclasses import replace

from service.errors import InvalidEmbedding
from service.gallery.stores.batch import Upsert
from service.gallery.stores.protocol import GallerySpec
from service.gallery.stores.row_codec import PackedBody, pack_body


def enrolled_body(change: Upsert, spec: GallerySpec, *, now_s: float) -> PackedBody:
    """The body of the row, with the moment of enrolment and of expiry filled in.

    Args:
        change: What is enrolled.
        spec: Of the gallery; its retention gives rows without an expiry one.
        now_s: The store's clock, for a change that does not say when it was enrolled.

    Raises:
        InvalidEmbedding: When the embedding is not a vector [dimension] of the gallery.
    """
    if change.embedding.shape != (spec.model.dimension,):
        raise InvalidEmbedding(
            expected=f"an embedding of the gallery's {spec.model.dimension} dimensions",
            received=f"shape {list(change.embedding.shape)}",
            remedy="send the embedding as the gallery's model answers it",
        )
    enrolled_s = now_s if change.enrolled_s is None else change.enrolled_s
    metadata = change.metadata
    if metadata.expires_s is None and spec.retention_s is not None:
        metadata = replace(metadata, expires_s=enrolled_s + spec.retention_s)
    return pack_body(change.tracklet_id, change.embedding, metadata, enrolled_s=enrolled_s)
