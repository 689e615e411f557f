"""What is stored of one tracklet, or why there is nothing to show."""

from service.errors import StoreUnavailable, TrackletNotFound
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
    if row is None or _has_expired(row.record, gallery.now_s()):
        raise TrackletNotFound(
            expected="the id of an enrolled tracklet",
            received=repr(tracklet_id),
            remedy="list the gallery's tracklets",
        )
    return row.record


def _has_expired(record: TrackletRecord, now_s: float) -> bool:
    expires_s = record.metadata.expires_s
    return expires_s is not None and expires_s <= now_s
