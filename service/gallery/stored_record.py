"""What is stored of one tracklet, or why there is nothing to show."""

from service.gallery.gallery_errors import StoreUnavailable, TrackletNotFound
from service.gallery.open_gallery import OpenGallery
from service.gallery.records import TrackletRecord
from service.gallery.stores.row_codec import DamagedRow


def stored_record(gallery: OpenGallery, tracklet_id: str) -> TrackletRecord:
    """The record of this id, as the store has it now.

    Raises:
        TrackletNotFound: When there is none, or it has expired.
        StoreUnavailable: When what is stored is damaged.
    """
    (row,) = gallery.rows([tracklet_id])
    if isinstance(row, DamagedRow):
        raise StoreUnavailable(
            expected="the tracklet as it was enrolled",
            received=f"a damaged row: {row.reason}",
            remedy="enroll it again, or delete it",
        )
    if row is None or row.record.metadata.has_expired(gallery.now_s()):
        raise tracklet_not_found(tracklet_id)
    return row.record


def tracklet_not_found(tracklet_id: str) -> TrackletNotFound:
    """The error for an id of which the gallery holds no tracklet."""
    return TrackletNotFound(
        expected="the id of an enrolled tracklet",
        received=repr(tracklet_id),
        remedy="list the gallery's tracklets",
    )
