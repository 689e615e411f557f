"""Tracklets out of a gallery: one by its id, or all that an identity or a filter chooses."""

from dataclasses import dataclass

from service.errors import Conflict
from service.gallery.filter_tree import Equals, Filter
from service.gallery.gallery_errors import IdentityNotFound
from service.gallery.guarded_changes import delete_found, found_in
from service.gallery.open_gallery import Acknowledged, OpenGallery
from service.gallery.records import check_identifier
from service.gallery.stored_record import tracklet_not_found
from service.gallery.stores.batch import Delete, IdempotencyKey


@dataclass(frozen=True, slots=True)
class DeletedMany:
    """How many tracklets are gone, and a write after which none of them is found."""

    tracklets: int
    seq: int


def delete_one(
    gallery: OpenGallery,
    tracklet_id: str,
    *,
    if_seq: int | None = None,
    idempotency: IdempotencyKey | None = None,
) -> Acknowledged:
    """Delete one tracklet.

    Raises:
        TrackletNotFound: When it is not enrolled.
        SeqConflict: When its `seq` is not `if_seq`.
    """
    check_identifier("tracklet id", tracklet_id)
    written = gallery.write([Delete(tracklet_id, if_seq)], idempotency)
    if written.outcomes == ("absent",):
        raise tracklet_not_found(tracklet_id)
    return written


def delete_identity(gallery: OpenGallery, identity: str) -> DeletedMany:
    """Delete every tracklet of an identity.

    Raises:
        IdentityNotFound: When there is none.
        Conflict: When others enroll it faster than it can be deleted.
    """
    check_identifier("identity", identity)
    deleted = delete_chosen(gallery, Equals("identity", (identity,)))
    if not deleted.tracklets:
        raise IdentityNotFound(
            expected="an identity of at least one tracklet",
            received=repr(identity),
            remedy="GET /galleries/{gallery}/identities lists them",
        )
    return deleted


def delete_chosen(gallery: OpenGallery, chosen: Filter) -> DeletedMany:
    """Delete every tracklet that passes the filter, expired ones among them.

    Raises:
        Conflict: When others enroll such tracklets faster than they can be deleted.
    """
    deleted = delete_found(
        gallery.store,
        gallery.gallery_id,
        gallery.replica,
        lambda view: found_in(view, chosen),
        timeout_s=gallery.visible_within_s,
    )
    if not deleted.complete:
        raise Conflict(
            expected="tracklets that stay as they are for a moment",
            received=f"others that were enrolled again and again; {deleted.tracklets} were deleted",
            remedy="repeat the request when fewer are being enrolled",
        )
    return DeletedMany(deleted.tracklets, deleted.seq)
